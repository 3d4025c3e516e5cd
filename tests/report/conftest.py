"""Ledgers made of lines, as a run would write them, without files."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from batch_register.event import (
    CreateIntended,
    CreateRefused,
    DuplicateSeen,
    EntryDeferred,
    Event,
    ImageActive,
    ImageCreated,
    ImageFailed,
    OutcomeUnknown,
    RegisterAccepted,
    RegisterIntended,
    SourceRefused,
    SourceSeen,
    SourceUploaded,
    UploadBegun,
    UploadProgressed,
)
from batch_register.ledger.codec import to_fields
from batch_register.ledger.line import Line, encode
from batch_register.ledger.notes import (
    Note,
    entry_declared,
    entry_removed,
    ledger_opened,
    run_finished,
    run_started,
)
from batch_register.ledger.replay import Replay
from batch_register.model import (
    Action,
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    ImageSpec,
    ImageStatus,
    JobId,
    Pairs,
    RunCounts,
    Target,
    spec_digest,
)
from batch_register.shard import Shard

TARGET = Target(
    endpoint="https://ims.eu-de.example.com", project_id="p-1", region="eu-de"
)


class LedgerText:
    """A ledger in the making; every line is a minute and 1.5 s after the last."""

    def __init__(
        self,
        manifest: str = "wave-07",
        target: Target = TARGET,
        shard: Shard | None = None,
    ) -> None:
        self.lines: list[Line] = []
        self.raw = b""
        self.run_id = "run-1"
        self.specs: dict[str, ImageSpec] = {}
        self._note(ledger_opened(manifest, target, shard))

    def start(self, run_id: str) -> None:
        self.run_id = run_id
        self._note(run_started("1.0"))

    def finish(self, exit_code: int) -> None:
        self._note(run_finished(RunCounts(), exit_code))

    def declare(
        self,
        key: str,
        *,
        name: str | None = None,
        source: str = "b:o.qcow2",
        labels: Pairs = (),
    ) -> None:
        self.specs[key] = spec = ImageSpec(
            key=EntryKey(key),
            name=key if name is None else name,
            image_url=source,
            os_version="Ubuntu 22.04 server 64bit",
            min_disk_gb=40,
            labels=labels,
        )
        self._note(entry_declared(spec))

    def remove(self, key: str) -> None:
        self._note(entry_removed(EntryKey(key)))

    def happen(self, key: str, *events: Event) -> None:
        for event in events:
            name, fields = to_fields(event)
            self._add(name, key, fields)

    def create(self, key: str, image: str) -> None:
        self.happen(
            key,
            CreateIntended(spec=spec_digest(self.specs[key])),
            ImageCreated(image_id=ImageId(image)),
        )

    def register(self, key: str, image: str, job: str | None) -> None:
        self.create(key, image)
        self.happen(
            key,
            RegisterIntended(image_id=ImageId(image)),
            RegisterAccepted(
                image_id=ImageId(image), job_id=None if job is None else JobId(job)
            ),
        )

    def activate(self, key: str, image: str, size_bytes: int = 3 << 30) -> None:
        self.register(key, image, f"job-{image}")
        self.happen(key, ImageActive(image_id=ImageId(image), size_bytes=size_bytes))

    def begin_upload(self, key: str, size_bytes: int = 2 << 30) -> None:
        self.happen(
            key,
            UploadBegun(
                upload_id="u-1",
                part_bytes=64 << 20,
                size_bytes=size_bytes,
                modified_ns=1,
            ),
        )

    def send(self, key: str, *sent_bytes: int) -> None:
        self.happen(key, *(UploadProgressed(sent_bytes=sent) for sent in sent_bytes))

    def replay(self) -> Replay:
        replay = Replay()
        for raw in self.raw.splitlines(keepends=True):
            replay.take(raw)
        return replay

    def story(self, key: str) -> list[Line]:
        return [line for line in self.lines if line.key == key]

    def add_foreign(self, event: str, key: str, fields: Mapping[str, object]) -> None:
        self._add(event, key, fields)

    def _note(self, note: Note) -> None:
        self._add(note.event, note.key, note.fields)

    def _add(self, event: str, key: str | None, fields: Mapping[str, object]) -> None:
        seq = len(self.lines) + 1
        hours, minutes = divmod(seq, 60)
        line = Line(
            seq=seq,
            run_id=self.run_id,
            at=f"2026-03-0{1 + hours // 24}T{hours % 24:02d}:{minutes:02d}:01.{seq:03d}Z",
            event=event,
            key=key,
            fields=fields,
        )
        self.lines.append(line)
        self.raw += encode(line)


def fault(
    kind: FaultKind, code: str, reason: str, action: Action, **more: object
) -> Fault:
    return Fault(kind=kind, code=code, reason=reason, action=action, **more)  # type: ignore[arg-type]


@pytest.fixture
def new_ledger() -> Callable[..., LedgerText]:
    return LedgerText


@pytest.fixture
def all_states() -> LedgerText:
    """A ledger of two runs that holds all seven states, and hostile text."""
    ledger = LedgerText()
    ledger.start("run-1")
    ledger.declare("web-01", labels=(("owner", "team-web"), ("ticket", "MIG-231")))
    ledger.declare(
        "=cmd|'/c calc'!A1", name="@ops `x` | <b>\x1b[2J", source="b:d/|.vhd"
    )
    ledger.declare(
        "数据库-主", name="e\u0301t\u202ete\nline", labels=(("ticket", "-1+2"),)
    )
    for key in ("changed", "lost", "running", "over-quota", "waiting", "refused"):
        ledger.declare(key)
    ledger.declare("gone-active")
    ledger.declare("gone-unsent")
    ledger.activate("web-01", "img-web")
    ledger.activate("changed", "img-changed")
    ledger.activate("gone-active", "img-gone")
    ledger.finish(4)
    ledger.start("run-2")
    ledger.remove("gone-active")
    ledger.remove("gone-unsent")
    ledger.declare("changed", source="b:other.qcow2")
    hostile = "=cmd|'/c calc'!A1"
    ledger.register(hostile, "img-hostile", "job-hostile")
    ledger.happen(
        hostile,
        ImageFailed(
            error=fault(
                FaultKind.JOB_FAILED,
                "IMG.0057",
                "file `a|b` is empty\x07, see @team #12 \\| http://x.example",
                Action.FIX_SOURCE,
                request_id="req-`1`",
            ),
            stage="job",
            image_id=ImageId("img-hostile"),
        ),
    )
    ledger.activate("数据库-主", "img-db", 412 << 20)
    ledger.register("lost", "img-lost", None)
    ledger.happen(
        "lost",
        OutcomeUnknown(
            error=fault(
                FaultKind.DEADLINE, "deadline", "not active in time", Action.RUN_AGAIN
            )
        ),
    )
    ledger.register("running", "img-running", "job-running")
    ledger.happen(
        "running",
        DuplicateSeen(image_id=ImageId("img-twin"), status=ImageStatus.QUEUED),
    )
    ledger.happen(
        "over-quota",
        EntryDeferred(
            error=fault(
                FaultKind.QUOTA,
                "IMG.0015",
                "quota of private images reached",
                Action.RAISE_QUOTA,
                http_status=400,
                request_id="req-2",
            )
        ),
    )
    ledger.happen(
        "refused",
        CreateIntended(spec=spec_digest(ledger.specs["refused"])),
        CreateRefused(
            error=fault(
                FaultKind.FORBIDDEN,
                "IMG.0026",
                " ",
                Action.ASK_PERMISSION,
                http_status=403,
                request_id="req-3",
            )
        ),
    )
    return ledger


@pytest.fixture
def source_side(new_ledger: Callable[..., LedgerText]) -> LedgerText:
    """A ledger of two runs whose entries differ by what became of their sources."""
    ledger = new_ledger()
    ledger.start("run-1")
    for key in ("half", "offline", "brought", "swapped", "both"):
        ledger.declare(key)
    for key in ("absent", "small", "closed", "left"):
        ledger.declare(key, source="b:d.qcow2")
    for key in ("swapped", "both"):
        ledger.happen(key, SourceSeen(etag="e-old", size_bytes=7))
        ledger.activate(key, f"img-{key}")
    for key in ("half", "offline", "brought", "left"):
        ledger.begin_upload(key)
        ledger.send(key, 1 << 30)
    ledger.finish(4)
    ledger.start("run-2")
    ledger.remove("left")
    ledger.declare("both", source="b:other.qcow2")
    for key in ("swapped", "both"):
        ledger.happen(key, SourceSeen(etag="e-new", size_bytes=7))
    for key, (kind, code, reason, action) in _UNFIT.items():
        error = fault(kind, code, reason, action)
        ledger.happen(key, SourceRefused(error=error))
    ledger.send("half", 6 << 28)
    ledger.happen(
        "brought",
        SourceUploaded(etag="e-2", size_bytes=2 << 30, sent_bytes=1 << 30),
    )
    ledger.activate("brought", "img-brought")
    return ledger


_UNFIT = {
    "offline": (
        FaultKind.UNREACHABLE,
        "transport.dns",
        "no such host",
        Action.RUN_AGAIN,
    ),
    "absent": (
        FaultKind.REJECTED,
        "preflight.object-missing",
        "b has no object d.qcow2",
        Action.FIX_SOURCE,
    ),
    "small": (
        FaultKind.REJECTED,
        "preflight.min-disk",
        "min_disk is 10 GB, the disk in the file has 40 GB",
        Action.FIX_MANIFEST,
    ),
    "closed": (
        FaultKind.FORBIDDEN,
        "preflight.object-forbidden",
        "reading b:d.qcow2 is not allowed",
        Action.ASK_PERMISSION,
    ),
}
