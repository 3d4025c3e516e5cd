"""The report as JSON, version 1: the form for programs.

Decides: names and order of the fields; additive changes only. Must not know: files.
Everything beyond ASCII is escaped, so that no text can act on a terminal or break an
encoding. Each image stands on its own line, for `grep` and `diff`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from batch_register.model import Fault
from batch_register.report.rows import ROWS_PER_PIECE, Report, ReportRow

JsonObject = dict[str, object]


def render(report: Report) -> str:
    """Return one JSON document."""
    return "".join(pieces(report))


def pieces(report: Report) -> Iterator[str]:
    """Yield the same document piece by piece: of a large one no two copies exist."""
    head = json.dumps(
        {
            "version": report.version,
            "manifest": report.manifest,
            "shard": None if report.shard is None else str(report.shard),
            "run_id": report.run_id,
            "target": asdict(report.target),
            "summary": asdict(report.summary),
        }
    )
    yield f'{head[:-1]}, "images": ['
    for first in range(0, len(report.images), ROWS_PER_PIECE):
        rows = report.images[first : first + ROWS_PER_PIECE]
        yield ("," if first else "") + "\n"
        yield ",\n".join(json.dumps(image(row)) for row in rows)
    yield "\n]}\n" if report.images else "]}\n"


def image(row: ReportRow) -> JsonObject:
    """Return one image as a JSON object."""
    return {
        "key": row.key,
        "name": row.name,
        "image_url": row.image_url,
        "state": row.state,
        "image_id": row.image_id,
        "job_id": row.job_id,
        "attempts": row.attempts,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "duration_s": row.duration_s,
        "size_bytes": row.size_bytes,
        "error": _error(row.error),
        "action": row.action,
        "labels": dict(row.labels),
        "source": asdict(row.source) if row.source else None,
        "upload": asdict(row.upload) if row.upload else None,
    }


def _error(fault: Fault | None) -> JsonObject | None:
    if fault is None:
        return None
    return {
        "kind": fault.kind,
        "http_status": fault.http_status,
        "code": fault.code,
        "reason": fault.reason,
        "request_id": fault.request_id,
    }
