"""The request log: everything that arrived, when, and what became of it."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass

from batch_register.simulator.clock import millis_text


@dataclass(slots=True, kw_only=True)
class RequestRecord:
    """One request; status 0 means that no answer was sent."""

    number: int
    at_s: float
    method: str
    route: str
    path: str
    query: str
    writes: bool
    in_flight: int
    image_id: str | None = None
    image_name: str | None = None
    job_id: str | None = None
    status: int = 0
    code: str | None = None
    executed: bool = False
    fault: str | None = None
    principal: str = ""
    request_id: str = ""
    answered_s: float | None = None


class Audit:
    """Records, counts and concurrency gauges."""

    def __init__(self, *, keep_requests: int) -> None:
        self.requests: deque[RequestRecord] = deque(maxlen=keep_requests)
        self.in_flight = 0
        self.peak_in_flight = 0
        self.total = 0
        self.writes = 0
        self.by_route: Counter[str] = Counter()
        self.by_status: Counter[int] = Counter()
        self.by_fault: Counter[str] = Counter()
        self.executed_by_route: Counter[str] = Counter()

    def arrive(self, record: RequestRecord) -> None:
        """Note a request."""
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        self.total += 1
        self.writes += record.writes
        self.by_route[record.route] += 1
        record.number = self.total
        record.in_flight = self.in_flight
        self.requests.append(record)

    def leave(self, record: RequestRecord, now_s: float) -> None:
        """Note the end of a request."""
        self.in_flight -= 1
        record.answered_s = now_s
        self.by_status[record.status] += 1
        if record.fault is not None:
            self.by_fault[record.fault] += 1
        if record.executed:
            self.executed_by_route[record.route] += 1

    def of_route(self, route: str) -> list[RequestRecord]:
        """Return the kept records of one route, oldest first."""
        return [record for record in self.requests if record.route == route]

    def document(self, *, with_requests: bool) -> dict[str, object]:
        """Write the summary, and the records where they are wanted."""
        document: dict[str, object] = {
            "requests": self.total,
            "writes": self.writes,
            "in_flight": self.in_flight,
            "peak_in_flight": self.peak_in_flight,
            "by_route": dict(self.by_route),
            "executed_by_route": dict(self.executed_by_route),
            "by_status": {str(k): n for k, n in sorted(self.by_status.items())},
            "by_fault": dict(self.by_fault),
        }
        if with_requests:
            document["log"] = [_written(record) for record in self.requests]
        return document


def _written(record: RequestRecord) -> dict[str, object]:
    document = asdict(record)
    document["at"] = millis_text(record.at_s)
    return document
