"""What can be wrong with an upload, in our own words. No I/O."""

from __future__ import annotations

from batch_register.errors import ServiceError
from batch_register.model import Action, Fault, FaultKind
from batch_register.workers.file_faults import file_fault, missing

OPERATION = "upload a file"


def file_missing(path: str) -> ServiceError:
    """Return the error for a file that is not there."""
    return ServiceError(OPERATION, missing(path))


def file_empty(path: str) -> ServiceError:
    """Return the error for a file without a byte: no image, and no part to send."""
    return _of_file("upload.file-empty", f"{path}: the file is empty")


def file_too_large(path: str, size_bytes: int) -> ServiceError:
    """Return the error for a file that no upload can hold."""
    return _of_file(
        "upload.file-too-large", f"{path}: no upload holds {size_bytes} bytes"
    )


def file_changed(path: str) -> ServiceError:
    """Return the error for a file that somebody wrote to while it was read."""
    return _of_file(
        "upload.file-changed",
        f"{path}: the file changed while it was uploaded; run again when it is at rest",
    )


def bucket_missing(bucket: str) -> ServiceError:
    """Return the error for a bucket that the manifest names and the store has not."""
    fault = Fault(
        kind=FaultKind.NOT_FOUND,
        code="upload.bucket-missing",
        reason=f"there is no bucket {bucket}",
        action=Action.FIX_MANIFEST,
    )
    return ServiceError(OPERATION, fault)


def part_lost(numbers: list[int]) -> ServiceError:
    """Return the error for parts that the store took, and does not have."""
    some = ", ".join(map(str, numbers[:5])) + (", ..." if numbers[5:] else "")
    reason = f"the store does not have these parts as they were sent: {some}"
    return _of_store(FaultKind.LOST, "upload.part-lost", reason)


def upload_gone() -> ServiceError:
    """Return the error for uploads that end again and again before they are whole."""
    reason = "the upload was ended by somebody else, or by a rule of the bucket"
    return _of_store(FaultKind.NOT_FOUND, "upload.gone", reason)


def content_differs(etag: str) -> ServiceError:
    """Return the error for a complete object that is not what was sent."""
    reason = f"the object's content is not the file's: its ETag is {etag}"
    return _of_store(FaultKind.CONTRADICTION, "upload.content-differs", reason)


def object_missing() -> ServiceError:
    """Return the error for an object that was completed and is not to be seen."""
    reason = "the upload is complete, but the store shows no such object"
    return _of_store(FaultKind.CONTRADICTION, "upload.object-missing", reason)


def object_differs(bucket: str, name: str, etag: str) -> ServiceError:
    """Return the error for an object that is another one's, and is not overwritten."""
    fault = Fault(
        kind=FaultKind.REJECTED,
        code="upload.object-differs",
        reason=(
            f"{bucket}:{name} is there, its content is not seen to be the file's (ETag {etag}), "
            "and it is not this entry's own: delete it, or name another object; nothing "
            "was overwritten"
        ),
        action=Action.FIX_SOURCE,
    )
    return ServiceError(OPERATION, fault)


def _of_file(code: str, reason: str) -> ServiceError:
    return ServiceError(OPERATION, file_fault(code, reason))


def _of_store(kind: FaultKind, code: str, reason: str) -> ServiceError:
    fault = Fault(kind=kind, code=code, reason=reason, action=Action.RUN_AGAIN)
    return ServiceError(OPERATION, fault)
