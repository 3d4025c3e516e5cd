"""What must hold once a story is over, and after each of its runs.

I1 (one live image per entry), I5, I6, I9 and the order of intent and call are checked
while they happen: see `cloud` and `witness`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from batch_register.engine import RunOutcome
from batch_register.entry import EntryRecord, EntryState
from batch_register.errors import LedgerError
from batch_register.ledger.reader import Scan
from batch_register.ledger.replay import Replay
from batch_register.model import Action, EntryKey, ImageId, ImageStatus
from batch_register.stage import (
    Active,
    Created,
    Planned,
    Registered,
    Unknown,
)
from tests.simulation.cloud import SimCloud, SimImage
from tests.simulation.disk import SimFile
from tests.simulation.history import History
from tests.simulation.process import Process
from tests.simulation.story import POLL_S, Beside, Story, Tags

_GRACE_S = 30.0  # from a stop to the end of the process
_EXIT_CODES = frozenset({0, 3, 4, 5, 6, 69, 77, 130, 143})

Records = dict[EntryKey, EntryRecord]


def replay_of(content: bytes) -> Replay:
    """Return what a ledger's bytes add up to."""
    replay = Replay()
    lines = content.splitlines(keepends=True)
    for _ in Scan("sim.jsonl", lines).through(replay.take):
        pass
    return replay


def check_run(process: Process, history: History) -> None:
    """Check one run that has just ended."""
    _check_end(process, history)
    _check_requests(process, history)
    try:
        records = replay_of(bytes(process.file.content)).records
    except LedgerError as error:
        history.violate("I7", None, f"the ledger cannot be read: {error.message}")
        return
    _check_uploads(process, records, history)
    if process.is_dead:
        return
    if process.outcome is not None:
        _check_outcome(process, process.outcome, records, history)


def _check_uploads(process: Process, records: Records, history: History) -> None:
    """I16: an upload that has begun is the entry's own until it is complete.

    But for one of another object than the manifest names now: `reconcile` finds it.
    """
    for upload in process.world.store.uploads.values():
        record = records.get(upload.key)
        if record is None or upload.upload_id not in process.lines.uploads:
            continue  # another ledger's, or one that was begun in vain
        mark = record.upload
        is_known = mark is not None and mark.upload_id == upload.upload_id
        if not is_known and record.image_url == upload.url:
            words = f"{upload.upload_id} is open and not told of: {mark}"
            history.violate("I16", upload.key, words)


def _check_outcome(
    process: Process, outcome: RunOutcome, records: Records, history: History
) -> None:
    for key, record in process.records.items():
        if not _is_told_by(records[key], record):
            history.violate("I3", key, f"the ledger says {records[key].stage}")
    if outcome.exit_code not in _EXIT_CODES:
        history.violate("I10", None, f"exit code {outcome.exit_code}")
    if outcome.stop_reason is None:
        for key in process.wanted:
            _check_terminal(records[key], history)
        _check_shown(process, records, history)


def _check_shown(process: Process, records: Records, history: History) -> None:
    """I3: every image that a run has seen is in its ledger, a twin as well."""
    known = _ids_named_in(bytes(process.file.content))
    for image_id in process.witness.shown:
        image = process.world.cloud.images[image_id]
        key = image.spec.key
        if key not in process.wanted or image_id in known:
            continue
        # otherwise the next run looks, and takes over what it finds
        has_image = isinstance(
            records[key].certain_stage, Created | Registered | Active
        )
        if image.is_live(history.now_s()) and has_image:
            history.violate("I3", key, f"{image_id} was seen and is not recorded")


def _is_told_by(on_disk: EntryRecord, in_memory: EntryRecord) -> bool:
    """Return whether the ledger holds what a run believes of an entry.

    What a look has shown is no event of its own: an outcome that was unknown stays so
    on disk until the next call.
    """
    if isinstance(on_disk.stage, Unknown) and on_disk.stage.was == in_memory.stage:
        return True
    return on_disk == in_memory


def _check_end(process: Process, history: History) -> None:
    """I9: a run that was told to stop ends soon; one that is cancelled, at once."""
    gone_s = process.gone_s or 0.0
    stopped_s = process.witness.stopped_s
    if stopped_s is not None and gone_s - stopped_s > _GRACE_S:
        history.violate("I9", None, f"ended {gone_s - stopped_s:.0f} s after the stop")
    cancelled_s = process.cancelled_s
    if cancelled_s is not None and gone_s - cancelled_s > 1.0:
        history.violate("I9", None, "did not end at once when it was cancelled")


def _check_requests(process: Process, history: History) -> None:
    """I6: waiting costs requests per tick, not per image; work a few per entry."""
    elapsed_s = (process.gone_s or 0.0) - process.began_s
    entries = len(process.world.manifest.images)
    most = 60 + 40 * entries + 2 * elapsed_s / POLL_S
    sent = process.witness.sent.total()
    if sent > most:
        history.violate("I6", None, f"{sent} requests, at most {most:.0f} expected")


def _check_terminal(record: EntryRecord, history: History) -> None:
    """I10: nothing is left in between by a run that came to its end."""
    is_held = isinstance(record.stage, Planned | Created) and record.fault is not None
    is_ended = record.state not in (EntryState.UNFINISHED, EntryState.PENDING)
    if not (is_held or is_ended):
        history.violate("I10", record.key, f"left at {record.stage}")
    fault = record.fault
    if fault is not None and (fault.action is Action.NONE or not fault.reason):
        history.violate("I10", record.key, f"no next step: {fault}")


_IMAGE_ID = re.compile(rb"\bimage-\d+\b")


def _ids_named_in(content: bytes) -> set[str]:
    """Return every image id that a ledger speaks of, if only in a reason."""
    return {found.decode() for found in _IMAGE_ID.findall(content)}


def check_ledger(
    file: SimFile,
    files: Sequence[SimFile],
    cloud: SimCloud,
    story: Story,
    history: History,
) -> None:
    """Check the ledger of one runner beside the truth, after everything."""
    replay = replay_of(bytes(file.content))
    known = set[str]().union(*(_ids_named_in(bytes(one.content)) for one in files))
    for record in replay.records.values():
        _check_active(record, cloud, history)
        live = cloud.live(record.key)
        counted = live
        if story.has_several_ledgers:
            # one may take over a shell that the other has given up, and leave its own
            now_s = history.now_s()
            counted = [one for one in live if not one.is_shell_at(now_s)]
        if len(counted) > 1 and story.beside is not Beside.TOGETHER:
            ids = [one.image_id for one in live]
            history.violate("I1", record.key, f"live at the end: {ids}")
        # what a lost ledger knew of an entry that is gone, only reconcile can show
        if story.tags is not Tags.DROPPED and not record.is_removed:
            for image in live:
                if image.image_id not in known:
                    words = f"{image.image_id} is not in the ledger"
                    history.violate("I3", record.key, words)


def check_converged(file: SimFile, story: Story, history: History) -> None:
    """Check that runs without any further trouble have made every entry active."""
    for record in replay_of(bytes(file.content)).records.values():
        if record.state is EntryState.ACTIVE or record.is_removed:
            continue
        is_told = record.state in (EntryState.UNKNOWN, EntryState.FAILED)
        is_conflict = record.state is EntryState.CONFLICT
        if is_told and story.may_end_unknown:
            continue
        if not (is_conflict and story.may_end_in_conflict):
            history.violate("I10", record.key, f"never done: {record.stage}")


def _check_active(record: EntryRecord, cloud: SimCloud, history: History) -> None:
    """I2: what the ledger calls active is active, and from the same source."""
    if record.state is not EntryState.ACTIVE:
        return
    image: SimImage | None = cloud.images.get(record.image_id or _NO_IMAGE)
    now_s = history.now_s()
    if image is None or image.status_at(now_s) is not ImageStatus.ACTIVE:
        history.violate("I2", record.key, f"{record.image_id} is not active")
    elif image.source != record.image_url or image.spec.key != record.key:
        history.violate("I2", record.key, f"{record.image_id} has {image.source}")


_NO_IMAGE = ImageId("none")


def check_prefixes(file: SimFile, history: History, rng: random.Random) -> None:
    """I7: a ledger that is cut anywhere is read as a beginning of itself."""
    content = bytes(file.content)
    for _ in range(3):
        cut = rng.randint(0, len(content))
        whole = content.count(b"\n", 0, cut)
        try:
            found = replay_of(content[:cut]).last_seq
        except LedgerError as error:
            history.violate("I7", None, f"cut at byte {cut}: {error.message}")
            continue
        if found != whole:
            history.violate("I7", None, f"cut at {cut}: {found} of {whole} lines")
