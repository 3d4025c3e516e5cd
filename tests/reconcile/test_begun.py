"""Which uploads a ledger's lines tell of, and of which objects."""

from __future__ import annotations

from batch_register.ledger.line import Line, encode
from batch_register.model import EntryKey
from batch_register.reconcile import Begun, uploads_begun

FILE = {"part_bytes": 8, "size_bytes": 20, "modified_ns": 1}


def raw(event: str, key: str = "web-01", **fields: object) -> bytes:
    return encode(Line(seq=1, run_id="r", at="t", event=event, key=key, fields=fields))


def declared(image_url: str, key: str = "web-01") -> bytes:
    return raw("entry.declared", key, image_url=image_url)


def begins(upload_id: str, key: str = "web-01") -> bytes:
    return raw("source.upload_begun", key, upload_id=upload_id, **FILE)


def begun(upload_id: str, image_url: str, key: str = "web-01") -> Begun:
    return Begun(key=EntryKey(key), upload_id=upload_id, image_url=image_url)


def test_an_upload_is_of_the_object_that_its_entry_had_then() -> None:
    lines = [
        declared("b:old"),
        declared("b:db", "db-01"),
        begins("u1"),
        declared("b:new"),
        raw("source.uploaded", etag="e", size_bytes=20, sent_bytes=20),
        begins("u2"),
        begins("u3", "db-01"),
    ]
    assert uploads_begun(lines) == [
        begun("u1", "b:old"),
        begun("u2", "b:new"),
        begun("u3", "b:db", "db-01"),
    ]


def test_an_upload_of_an_entry_that_was_never_declared_counts_all_the_same() -> None:
    assert uploads_begun([begins("u1")]) == [begun("u1", "")]


def test_a_torn_line_tells_of_no_upload() -> None:
    line = begins("u1")
    for end in range(len(line) - 2):
        assert uploads_begun([line[:end]]) == []


def test_what_only_looks_like_such_a_line_is_passed_over() -> None:
    reason = '","event":"source.upload_begun",'
    assert uploads_begun([raw("image.failed", reason=reason)]) == []
