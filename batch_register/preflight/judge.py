"""From what was seen of one source to a verdict.

Decides: what stops an entry, what is only worth a word, and what counts as not looked
at. Must not know: how it was seen, what the engine makes of a verdict.

A fault that may pass is no finding: the entry goes ahead unlooked, and the service
judges. Only `min_disk: auto` cannot, since nothing else tells the number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from batch_register.ims.profile import Profile
from batch_register.model import EntryKey, Fault, FilePlace, ImageSpec
from batch_register.preflight import content, location
from batch_register.preflight.findings import Code, finding, gravest
from batch_register.preflight.limits import profile_findings
from batch_register.preflight.sight import Sight
from batch_register.source import (
    Brought,
    BucketView,
    FileStamp,
    Inspection,
    ObjectView,
    SourcePin,
    SourceVerdict,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict; `unseen` is why the source was not looked at, or not to its end.

    `notices` are sentences that are worth a word and stop nothing.
    """

    verdict: SourceVerdict
    unseen: Fault | None = None
    notices: tuple[str, ...] = ()


def judge(
    spec: ImageSpec,
    sight: Sight,
    profile: Profile,
    region: str,
    *,
    brought: Brought | None = None,
) -> Judgement:
    """Return what is to be made of one entry's source; `region`: the image service's.

    `brought`: what its file was brought to before.
    """
    known = profile.without_assumptions()
    unseen = _unseen(sight)
    seen = sight.content if isinstance(sight.content, Inspection) else None
    fault = gravest(
        (
            *profile_findings(spec, profile),
            *_findings(spec, sight, known, region),
            *_replacing_findings(sight, brought),
            *_absent_findings(spec, sight, brought),
        )
    )
    min_disk_gb = None
    if spec.min_disk_is_auto and seen is not None:
        min_disk_gb = content.fitting_min_disk_gb(spec, seen, profile)
    if fault is None and spec.min_disk_is_auto and min_disk_gb is None:
        fault = _unknown_size(unseen)
    verdict = SourceVerdict(
        pin=None if sight.will_be_uploaded else _pin(sight),
        inspection=seen,
        min_disk_gb=min_disk_gb,
        fault=fault,
    )
    return Judgement(verdict=verdict, unseen=unseen, notices=tuple(_notices(sight)))


def told_of_upload(judgement: Judgement, uploader: EntryKey) -> Judgement:
    """Return the verdict on an entry whose object another entry uploads in this run.

    It is looked at before that, so a first run would find nothing there.
    """
    verdict = judgement.verdict
    fault = verdict.fault
    if fault is None or fault.code != Code.OBJECT_MISSING:
        return judgement
    hint = f"entry {uploader!r} uploads it: give this entry the same source"
    told = replace(fault, reason=f"{fault.reason}; {hint}")
    return replace(judgement, verdict=replace(verdict, fault=told))


def judge_pin(sight: Sight, brought: Brought | None = None) -> Judgement:
    """Return which content the object has now, and which file is there, unjudged."""
    stored = sight.stored
    unseen = stored if isinstance(stored, Fault) else None
    verdict = SourceVerdict(pin=_pin(sight), file=_file(sight, brought))
    return Judgement(verdict=verdict, unseen=unseen)


def _file(sight: Sight, brought: Brought | None) -> FileStamp | None:
    """Return the file that was brought as it is now; None where that was not seen."""
    if brought is None or isinstance(sight.file, Fault):
        return None
    return sight.file or brought.file


def _pin(sight: Sight) -> SourcePin | None:
    return sight.stored.pin if isinstance(sight.stored, ObjectView) else None


def unlooked(spec: ImageSpec, why: Fault | str) -> SourceVerdict:
    """Return the verdict on an entry whose source nobody looked at."""
    return SourceVerdict(fault=_unknown_size(why) if spec.min_disk_is_auto else None)


def _unknown_size(why: Fault | str | None) -> Fault:
    """Return that `min_disk: auto` comes to nothing; it may pass if `why` may."""
    needs = "min_disk auto needs the size of the disk in the file"
    if isinstance(why, Fault) and why.is_passing:
        return replace(why, reason=f"{needs}: {why.reason}")
    told = why.sentence() if isinstance(why, Fault) else why
    told = told or "its content does not tell"
    return finding(Code.MIN_DISK_UNKNOWN, f"{needs}: {told}; write a number")


def _findings(
    spec: ImageSpec, sight: Sight, profile: Profile, region: str
) -> Iterator[Fault]:
    bucket_name, _, key = spec.image_url.partition(":")
    yield from location.bucket_findings(sight.bucket, bucket_name, region)
    yield from location.name_findings(key)
    if sight.bucket is None:
        return
    if sight.will_be_uploaded and isinstance(sight.file, FileStamp):
        yield from location.size_findings(sight.file.size_bytes, "the file")
    else:
        yield from _object_findings(spec, sight, bucket_name, profile)
    yield from _content_findings(spec, sight, bucket_name, profile)


def _replacing_findings(sight: Sight, brought: Brought | None) -> Iterator[Fault]:
    """Yield that the file would take the place of an object that is not the entry's."""
    stored = sight.stored
    if not (sight.will_be_uploaded and isinstance(stored, ObjectView)):
        return
    if brought is None or not brought.may_replace(stored.pin):
        yield location.in_the_way(stored)


def _absent_findings(
    spec: ImageSpec, sight: Sight, brought: Brought | None
) -> Iterator[Fault]:
    """Yield that a file is gone whose object nobody knows to be it.

    Many remove their files once they are brought: that is nobody's loss.
    """
    stored = sight.stored
    if spec.source is None or sight.file or not isinstance(stored, ObjectView):
        return
    if brought is None or brought.pin != stored.pin:
        yield from _file_findings(spec.source, None)


def _object_findings(
    spec: ImageSpec, sight: Sight, bucket_name: str, profile: Profile
) -> Iterator[Fault]:
    stored = sight.stored
    if isinstance(stored, ObjectView):
        yield from location.object_findings(stored, profile)
        yield from location.size_findings(stored.pin.size_bytes, "the object")
    elif isinstance(stored, Fault):
        yield from location.refusal_findings(sight.bucket, bucket_name, stored)
    elif spec.source is not None:
        yield from _file_findings(spec.source, sight.file)
    else:
        yield location.missing(bucket_name)


def _file_findings(place: FilePlace, file: FileStamp | Fault | None) -> Iterator[Fault]:
    path = place.path
    if file is None:
        pin = (
            "source_host" if place.host else "source_resource" if place.resource else ""
        )
        where = f" ({pin} counts with --dask only)" if pin else ""
        reason = f"there is no file {path!r}{where}; put it there, or correct its path"
        yield finding(Code.FILE_MISSING, reason)
    elif isinstance(file, Fault) and not file.is_passing:
        reason = f"the file {path!r} cannot be read: {file.reason}"
        yield finding(Code.FILE_UNREADABLE, reason, cause=file)


def _content_findings(
    spec: ImageSpec, sight: Sight, bucket_name: str, profile: Profile
) -> Iterator[Fault]:
    seen = sight.content
    if isinstance(seen, Inspection):
        yield from content.content_findings(seen, profile)
        yield from content.disk_findings(spec, seen, profile)
    elif isinstance(seen, Fault) and sight.will_be_uploaded and spec.source:
        yield from _file_findings(spec.source, seen)
    elif isinstance(seen, Fault):
        yield from location.refusal_findings(sight.bucket, bucket_name, seen)


def _unseen(sight: Sight) -> Fault | None:
    """Return the first thing that kept the file from being looked at."""
    looks = (sight.stored, sight.file, sight.content)
    return next((look for look in looks if isinstance(look, Fault)), None)


def _notices(sight: Sight) -> Iterator[str]:
    bucket = sight.bucket
    if isinstance(bucket, Fault) and not isinstance(sight.stored, Fault):
        yield (
            "a bucket could not be looked at, so its storage class and region were not "
            f"checked: {bucket.sentence()}"
        )
    if isinstance(bucket, BucketView) and bucket.is_file_system:
        # No page says whether the image service takes files from one.
        yield (
            f"bucket {bucket.name!r} is a parallel file system; use an ordinary bucket "
            "should the image service refuse its files"
        )
