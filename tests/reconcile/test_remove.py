"""Deleting orphans: intent, look, delete, result; never twice, never blindly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from batch_register.errors import AuthenticationError, LedgerError, StoppedError
from batch_register.model import (
    Applied,
    FaultKind,
    ImageStatus,
    ImageView,
    JobStatus,
    StopReason,
)
from batch_register.reconcile import (
    Deletion,
    Judging,
    Known,
    Orphan,
    Outcome,
    Remover,
)
from batch_register.reconcile.findings import OrphanKind
from batch_register.reconcile.outcome import Hindrance
from batch_register.stage import Active, Creating
from batch_register.stopping import Stop
from tests.fakes import ScriptedService, fault, service_error
from tests.reconcile.scenes import (
    JOB,
    KEY,
    ONE,
    TWO,
    job,
    known,
    ledger,
    record,
    retagged,
    view,
)
from tests.virtual_time import run_virtually

S = ImageStatus
SHELL = view(TWO, S.QUEUED)
ORPHAN = Orphan(view=SHELL, kind=OrphanKind.UNNAMED, key=KEY, obstacles=())
NOW = datetime(2026, 9, 9, tzinfo=UTC)
LOST = service_error(FaultKind.LOST, applied=Applied.UNKNOWN)
BUSY = service_error(FaultKind.THROTTLED, retry_after_s=7.0)


@dataclass
class Journal:
    """Notes lines into the log that it shares with the service."""

    log: list[str]
    lines_left: int = 99
    fields: list[dict[str, object]] = field(default_factory=list)

    async def note(self, event_name: str, fields: Any, key: object = None) -> str:
        await asyncio.sleep(0)
        if not self.lines_left:
            message = "disk full"
            raise LedgerError("wave-07.ledger.jsonl", message)
        self.lines_left -= 1
        self.log.append(event_name)
        self.fields.append({"key": key, **fields})
        return "at"


@dataclass
class Logged(ScriptedService):
    """A scripted service that writes its calls into a log."""

    log: list[str] = field(default_factory=list)

    async def _answer(self, call: str) -> Any:
        self.log.append(call)
        return await super()._answer(call)


@dataclass
class Bench:
    """A remover with its service and its journal."""

    seen: list[Any] = field(default_factory=lambda: [SHELL])
    deletes: list[Any] = field(default_factory=lambda: [None])
    jobs: list[Any] = field(default_factory=lambda: [job(JobStatus.SUCCESS)])
    known: Known = field(default_factory=lambda: known(ledger(record())))
    now: datetime = NOW
    stop: Stop = field(default_factory=Stop)
    lines_left: int = 99

    def __post_init__(self) -> None:
        self.log: list[str] = []
        answers = {
            "get_image": self.seen,
            "delete": self.deletes,
            "get_job": self.jobs,
        }
        self.service = Logged(answers=answers, log=self.log)
        # what waits and retries by itself must never be trusted with a deletion
        self.patient = Logged(
            answers={**answers, "delete": [AssertionError("sent with patience")]},
            log=self.log,
        )
        self.journal = Journal(self.log, self.lines_left)

    def remove(
        self,
        orphans: Iterable[Orphan] = (ORPHAN,),
        *,
        stop_after_s: float | None = None,
    ) -> list[Deletion]:
        remover = Remover(
            self.known,
            self.journal,
            patient=self.patient,
            direct=self.service,
            judging=lambda: Judging(now=self.now, age=timedelta(hours=24)),
            stop=self.stop,
        )

        async def removing() -> list[Deletion]:
            if stop_after_s is not None:
                loop = asyncio.get_running_loop()
                loop.call_later(stop_after_s, self.stop.request, StopReason.SIGTERM)
            return await remover.remove(orphans)

        return run_virtually(removing())

    def outcome(self) -> tuple[Outcome, str]:
        (deletion,) = self.remove()
        return deletion.outcome, deletion.reason

    @property
    def sent(self) -> int:
        return self.log.count("delete")


def test_the_intent_comes_first_and_nothing_between_the_look_and_the_deletion() -> None:
    bench = Bench()
    assert bench.outcome() == (Outcome.DELETED, "")
    assert bench.log == [
        "orphan.delete_intended",
        "get_job",
        "get_image",
        "delete",
        "orphan.deleted",
    ]
    assert bench.journal.fields == [
        {
            "key": KEY,
            "image_id": TWO,
            "status": "queued",
            "name": KEY,
            "created_at": "2026-09-01T01:00:00Z",
        },
        {"key": KEY, "image_id": TWO, "reason": ""},
    ]


# Every condition holds once more in the moment of the deletion.
@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (view(TWO), "it is active"),
        (view(TWO, S.SAVING), "it is saving"),
        (view(TWO, S.UNRECOGNISED, raw_status="frozen"), "it is frozen"),
        (retagged(SHELL, br_manifest=None), "it does not carry this manifest's tag"),
        (retagged(SHELL, br_entry=None), "it has no br-entry tag"),
        (retagged(SHELL, br_spec=None), "it has no br-spec tag"),
        (replace(SHELL, is_protected=True), "it is protected"),
        (replace(SHELL, created_at=""), "its age is not known"),
        (None, "it is gone already"),
        (view(TWO, S.PENDING_DELETE), "it is gone already"),
        (service_error(FaultKind.SERVER), "test: as scripted"),
        (
            AuthenticationError("get image", fault(FaultKind.UNAUTHENTICATED)),
            "test: as scripted",
        ),
    ],
)
def test_an_image_that_has_changed_since_it_was_listed_stays(
    seen: ImageView | Exception | None, reason: str
) -> None:
    bench = Bench(seen=[seen])
    assert bench.outcome() == (Outcome.KEPT, reason)
    assert bench.sent == 0
    assert bench.log[-1] == "orphan.kept"


def test_an_image_stays_that_is_young_by_the_clock_of_that_moment() -> None:
    bench = Bench(now=datetime(2026, 9, 1, 2, tzinfo=UTC))
    assert bench.outcome() == (
        Outcome.KEPT,
        "it is not older than --orphan-age and the image deadline",
    )
    assert bench.sent == 0


@pytest.mark.parametrize(
    "answer", [job(JobStatus.RUNNING), service_error(FaultKind.SERVER)]
)
def test_an_image_stays_while_a_job_of_its_entry_may_run(answer: object) -> None:
    bench = Bench(jobs=[answer])
    outcome, reason = bench.outcome()
    assert outcome is Outcome.KEPT
    assert "a job of its entry runs" in reason
    assert bench.sent == 0


def test_an_image_stays_whose_entry_has_an_open_call_by_now() -> None:
    bench = Bench(known=known(ledger(record(Creating()))))
    outcome, reason = bench.outcome()
    assert (outcome, bench.sent) == (Outcome.KEPT, 0)
    assert reason == "a ledger leaves a call for its entry open"


def test_a_deletion_whose_answer_is_lost_is_told_and_never_repeated() -> None:
    bench = Bench(deletes=[LOST])
    assert bench.outcome() == (Outcome.UNCLEAR, "test: as scripted")
    assert (bench.sent, bench.log[-1]) == (1, "orphan.delete_unclear")


@pytest.mark.parametrize(
    ("scene", "hindrance"),
    [
        ({"deletes": [service_error(FaultKind.FORBIDDEN)]}, Hindrance.FORBIDDEN),
        ({"deletes": [service_error(FaultKind.REJECTED)]}, None),
        ({"deletes": [service_error(FaultKind.THROTTLED)]}, Hindrance.BUSY),
        ({"seen": [service_error(FaultKind.SERVER)]}, Hindrance.BUSY),
        ({"jobs": [service_error(FaultKind.SERVER)]}, Hindrance.BUSY),
        ({"seen": [view(TWO)]}, None),
        ({"seen": [None]}, None),
        (
            {"seen": [AuthenticationError("get", fault(FaultKind.UNAUTHENTICATED))]},
            Hindrance.FORBIDDEN,
        ),
    ],
)
def test_one_that_was_kept_says_whether_the_service_hindered_it(
    scene: dict[str, Any], hindrance: Hindrance | None
) -> None:
    (deletion,) = Bench(**scene).remove()
    assert (deletion.outcome, deletion.hindrance) == (Outcome.KEPT, hindrance)


def test_a_refused_deletion_is_told_and_not_repeated() -> None:
    bench = Bench(deletes=[service_error(FaultKind.REJECTED)])
    assert bench.outcome() == (Outcome.KEPT, "test: as scripted")
    assert (bench.sent, bench.log[-1]) == (1, "orphan.kept")


def test_a_busy_service_is_given_time_and_the_image_looked_at_again() -> None:
    bench = Bench(deletes=[BUSY, None])
    assert bench.outcome()[0] is Outcome.DELETED
    assert bench.log[1:-1] == ["get_job", "get_image", "delete"] * 2
    first, second = bench.service.times("delete")
    assert second - first == pytest.approx(7.0)


def test_an_image_that_comes_alive_while_the_service_is_busy_stays() -> None:
    bench = Bench(seen=[SHELL, view(TWO)], deletes=[BUSY, None])
    assert bench.outcome() == (Outcome.KEPT, "it is active")
    assert bench.sent == 1


def test_a_service_that_stays_busy_is_left_alone() -> None:
    bench = Bench(deletes=[service_error(FaultKind.THROTTLED)])
    assert bench.outcome() == (Outcome.KEPT, "the service stayed too busy")
    assert bench.sent == 3


def test_after_a_stop_nothing_more_is_tried_nor_noted() -> None:
    bench = Bench()
    bench.stop.request(StopReason.SIGTERM)
    assert bench.outcome() == (Outcome.NOT_TRIED, "told to stop")
    assert bench.log == []


def test_a_stop_during_the_look_leaves_the_image_and_says_so() -> None:
    bench = Bench(seen=[StoppedError()])
    assert bench.outcome() == (Outcome.KEPT, "told to stop while it waited")
    assert (bench.sent, bench.log[-1]) == (0, "orphan.kept")


def test_a_stop_between_the_look_and_the_deletion_leaves_the_image() -> None:
    bench = Bench()
    bench.patient.takes_s = 1.0
    (deletion,) = bench.remove(stop_after_s=1.5)  # during the second look, the image's
    assert (deletion.outcome, bench.sent) == (Outcome.KEPT, 0)
    assert bench.log[-2:] == ["get_image", "orphan.kept"]


def test_a_stop_while_the_service_is_busy_sends_nothing_more() -> None:
    bench = Bench(deletes=[BUSY])
    (deletion,) = bench.remove(stop_after_s=1.0)
    assert deletion.reason == "told to stop while it waited"
    assert (bench.sent, bench.log[-1]) == (1, "orphan.kept")


def test_without_a_durable_intent_nothing_is_sent() -> None:
    bench = Bench(lines_left=0)
    with pytest.raises(LedgerError):
        bench.remove()
    assert bench.log == []


def test_without_a_durable_result_nothing_more_is_sent() -> None:
    bench = Bench(lines_left=1)
    with pytest.raises(LedgerError):
        bench.remove([ORPHAN, ORPHAN])
    assert bench.sent == 1


def test_an_orphan_of_an_unknown_entry_has_no_jobs_to_ask_for() -> None:
    stray = view(TWO, S.KILLED, key="gone")
    bench = Bench(seen=[stray])
    (deletion,) = bench.remove([replace(ORPHAN, view=stray, key=None)])
    assert deletion.outcome is Outcome.DELETED
    assert "get_job" not in bench.log


def test_one_that_stays_does_not_keep_the_next_from_going() -> None:
    active = record(Active(image_id=ONE, job_id=None, size_bytes=1))
    bench = Bench(seen=[view(TWO), SHELL], known=known(ledger(active)))
    outcomes = [deletion.outcome for deletion in bench.remove([ORPHAN, ORPHAN])]
    assert outcomes == [Outcome.KEPT, Outcome.DELETED]
    assert JOB not in bench.log
