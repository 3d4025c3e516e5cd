"""What must hold at every moment of one run, checked while it happens.

The disk, the wire and the run report here; a broken promise is noted, never raised, so
that the run under test cannot swallow it.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from batch_register.engine.findings import LIVE, precedence
from batch_register.entry import EntryRecord
from batch_register.event import (
    Aside,
    DuplicateSeen,
    Event,
    RetryStarted,
    ShellFate,
    ShellKept,
    UploadBegun,
)
from batch_register.model import (
    ENTRY_TAG,
    EntryKey,
    ImageId,
    ImageQuery,
    ImageStatus,
    ImageView,
)
from batch_register.stage import (
    Created,
    Creating,
    Registered,
    Registering,
    Replacing,
)
from tests.simulation.cloud import SimCloud
from tests.simulation.disk import SimFile

# How long the news of a failed disk, or of a stop, may take to every task.
_NEWS_S = 0.5
_IN_FLIGHT = (Creating, Created, Registering, Registered, Replacing)
# Writes of one kind whose effect is not known to be none, per entry and run.
_MOST_TRIES = 3


@dataclass
class DurableLines:
    """The ledger's machine events as a power cut would leave them, latest per entry."""

    file: SimFile
    read_bytes: int = 0
    last: dict[str, dict[str, Any]] = field(default_factory=dict)
    uploads: set[str] = field(default_factory=set)  # that were begun

    def read_on(self) -> list[dict[str, Any]]:
        """Return the lines that have become durable since the last time."""
        data = self.file.durable
        end = data.rfind(b"\n") + 1
        new = [json.loads(raw) for raw in data[self.read_bytes : end].splitlines()]
        self.read_bytes = end
        for line in new:
            is_move = line["event"].startswith("image.")
            if is_move and line["event"] != DuplicateSeen.ledger_name:
                self.last[line["key"]] = line
            if line["event"] == UploadBegun.ledger_name:
                self.uploads.add(line["upload_id"])
        return new

    def start_over(self) -> None:
        """Begin again: the file is another one now."""
        self.read_bytes = 0
        self.last.clear()
        self.uploads.clear()
        self.read_on()


class Witness:
    """Watches one run."""

    def __init__(
        self, who: str, cloud: SimCloud, lines: DurableLines, concurrency: int
    ) -> None:
        history = cloud.history
        self._who = who
        self._history = history
        self._lines = lines
        self._cloud = cloud
        self._concurrency = concurrency
        self._in_flight: set[EntryKey] = set()
        self._unclear: Counter[tuple[str, str]] = Counter()
        self.wanted: set[EntryKey] = set()  # what this run is to make
        self.refused: set[str] = set()  # whose source is not fit, or not in its place
        self.brought: dict[str, str] = {}  # what this run has seen in its place
        self.shown: dict[ImageId, ImageView] = {}  # by lists, latest view
        self.dead: defaultdict[str, frozenset[ImageId]] = defaultdict(frozenset)
        self.sent: Counter[str] = Counter()
        self.writes = 0
        self.stopped_s: float | None = None
        self.disk_failed_s: float | None = None

    # ------------------------------------------------------------ the wire

    def sends(self, call: str, key: str | None, image_id: ImageId | None) -> None:
        """Check one request that goes out; a write names its image, if it has one."""
        self.sent[call] += 1
        self._history.add(self._who, key, f"> {call} {image_id or ''}")
        if self.stopped_s is not None:
            self._history.violate("I9", key, f"{call} sent after the stop")
        if call not in ("create", "register", "delete"):
            return
        self.writes += 1
        failed_s = self.disk_failed_s
        if failed_s is not None and self._history.now_s() > failed_s + _NEWS_S:
            self._history.violate("I12", key, f"{call} sent without a ledger")
        if key is not None and call != "delete":
            self._check_intent(call, key, image_id)
            if key in self.refused:
                words = f"{call} sent, though its source was refused"
                self._history.violate("I15", key, words)
        if key is not None and call == "register" and image_id is not None:
            self._check_first(key, image_id)

    def _check_intent(self, call: str, key: str, image_id: ImageId | None) -> None:
        last = self._lines.last.get(key, {"event": "nothing"})
        is_intended = last["event"] == f"image.{call}_intended"
        if not is_intended or last.get("image_id") != image_id:
            words = f"{call} sent, but durable is only {last['event']}"
            self._history.violate("intent", key, words)

    def answered(self, call: str, key: str | None, words: str) -> None:
        """Take note of an answer; unclear writes must not go on for ever."""
        self._history.add(self._who, key, f"< {call} {words}")
        if key is None or call == "delete" or not words.endswith("unknown"):
            return
        self._unclear[call, key] += 1
        if self._unclear[call, key] > _MOST_TRIES:
            self._history.violate("I6", key, f"{call} repeated over and over")

    def shows(self, query: ImageQuery, views: list[ImageView]) -> None:
        """Take note of the images that a list has shown to this run."""
        if query.tag is not None and query.tag[0] == ENTRY_TAG:
            for view in list(self.shown.values()):
                if query.tag in view.tags:
                    del self.shown[view.image_id]  # newer than what was shown before
        for view in views:
            if view.tag(ENTRY_TAG) is not None:
                self.shown[view.image_id] = view

    def _check_first(self, key: str, image_id: ImageId) -> None:
        """I13: no file for an image once one is visible that goes before it."""
        own = self._cloud.images[image_id]
        mine = (LIVE.index(ImageStatus.QUEUED), own.created_at, image_id)
        for view in self.shown.values():
            owner = self._cloud.images[view.image_id].spec.key
            if owner != key or view.image_id == image_id or view.status not in LIVE:
                continue
            if precedence(view) < mine and view.image_id not in self.dead[key]:
                words = f"{image_id} gets a file beside {view.image_id}"
                self._history.violate("I13", key, words)

    # ------------------------------------------------------------ the sources

    def asks_store(self, call: str, key: EntryKey, upload_id: str) -> None:
        """Check a call to the store: no part goes out whose upload could be forgotten."""
        self._history.add(self._who, key, f"> {call} {upload_id}")
        stopped_s = self.stopped_s
        if stopped_s is not None and self._history.now_s() > stopped_s + _NEWS_S:
            self._history.violate("I9", key, f"{call} sent after the stop")
        if call == "part" and upload_id not in self._lines.uploads:
            words = f"{upload_id} gets a part and is not in the ledger"
            self._history.violate("I16", key, words)

    def refuses(self, key: EntryKey) -> None:
        """Take note that an entry's source is not fit, or could not be brought."""
        self.refused.add(key)

    def brings(self, key: EntryKey, content: str) -> None:
        """Take note that an entry's file is in its place."""
        self.refused.discard(key)
        self.brought[key] = content

    # ------------------------------------------------------------ the ledger

    def synced(self) -> None:
        """Take note of lines that have become durable."""
        for line in self._lines.read_on():
            facts = {
                name: line[name]
                for name in ("image_id", "job_id", "status", "shell", "exit_code")
                if line.get(name)
            }
            code = line.get("error", {}).get("code", "")
            words = " ".join(str(part) for part in (*facts.values(), code) if part)
            what = f"ledger: {line['event']} {words}"
            self._history.add(self._who, line.get("key"), what)
            if line["event"] in ("image.retry_started", "image.deferred"):
                for call in ("create", "register"):  # begun afresh from now on
                    self._unclear[call, line["key"]] = 0

    def disk_failed(self, words: str) -> None:
        """Take note that the disk refused."""
        self._history.add(self._who, None, f"disk: {words}")
        if self.disk_failed_s is None:
            self.disk_failed_s = self._history.now_s()

    # ------------------------------------------------------------ the run

    def stops(self) -> None:
        """Take note that the run was told to stop."""
        self._history.add(self._who, None, "stop requested")
        self.stopped_s = self._history.now_s()

    def entry_moved(self, record: EntryRecord, event: Event) -> None:
        """See ports.Observer."""
        is_kept = isinstance(event, RetryStarted) and event.shell is ShellFate.KEEP
        if is_kept or isinstance(event, ShellKept):
            self._cloud.give_up(record.dead_images)
        self.dead[record.key] = record.dead_images
        if isinstance(event, Aside):
            return  # no move of this entry's image
        # an entry that is only resolved is left where the look found it
        is_left = isinstance(record.stage, Created) and record.fault is not None
        is_in_flight = isinstance(record.stage, _IN_FLIGHT) and not is_left
        if is_in_flight and record.key in self.wanted:
            self._in_flight.add(record.key)
        else:
            self._in_flight.discard(record.key)
        if len(self._in_flight) > self._concurrency:
            words = f"{len(self._in_flight)} images in flight"
            self._history.violate("I5", record.key, words)

    def noticed(self, name: str, **facts: object) -> None:
        """See ports.Observer."""
        words = " ".join(str(value) for value in facts.values())
        self._history.add(self._who, None, f"noticed {name} {words}")
