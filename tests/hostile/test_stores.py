"""Object stores that refuse, hang or lie: what a look and an upload make of them."""

from __future__ import annotations

import asyncio
import re
import socket
from http import HTTPStatus

import pytest

from batch_register.simulator import StoredObject
from tests.hostile.conftest import Ended, Stage
from tests.hostile.front import Call, Exchange, Misdeed

pytestmark = pytest.mark.integration

# What is said where a call of the look fails.
LOOKS = {
    "bucket": "a bucket could not be looked at",
    "object": "4 sources not looked at: ",
    "content": "4 sources not looked at: ",
}
FILE = "  - {name: file-0, object: file-0.raw, source: file-0.raw}\n"
MIB = 1 << 20


def refusing(status: int, code: str) -> Misdeed:
    """Refuse as an object store does: in XML, and without a word where HEAD asks."""
    phrase = f"{status} {HTTPStatus(status).phrase}"
    body = f"<Error><Code>{code}</Code><Message>as scripted</Message></Error>".encode()

    async def refuse(exchange: Exchange) -> None:
        is_head = exchange.call.method == "HEAD"
        kind = "Content-Type: application/xml"
        await exchange.answer(phrase, b"" if is_head else body, kind)

    return refuse


def lines_about(ended: Ended, words: str) -> list[str]:
    """Return what the look's own lines tell."""
    told = [line["line"] for line in ended.events("preflight.done")]
    return [line for line in told if words in line]


def with_file(stage: Stage, size_bytes: int = 3 * MIB) -> None:
    """Have one more entry, whose file is to be uploaded: its object is not there."""
    missing = StoredObject(image_url="bucket-1:file-0.raw", size_bytes=1, missing=True)
    stage.simulator.furnish([missing])
    (stage.folder / "file-0.raw").write_bytes(bytes(size_bytes))
    stage.manifest(2, FILE)


# ------------------------------------------------------------ the look


def test_a_store_that_nobody_serves_is_told_in_one_line_and_stops_nothing(
    stage: Stage,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    stage.entry["obs_endpoint_override"] = f"http://127.0.0.1:{port}"

    ended = stage.run()

    assert ended.code == 0, ended.err
    assert stage.made() == [1, 1, 1, 1]
    (line,) = ended.events("preflight.done")
    assert line["line"].startswith("sources were not looked at: ")
    assert ended.is_intelligible()


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("call", LOOKS)
def test_a_store_that_fails_is_told_of_and_leaves_the_judgement_to_the_service(
    stage: Stage, call: str, status: int
) -> None:
    stage.trouble(call, refusing(status, "InternalError"))

    ended = stage.run()

    assert ended.code == 0, ended.err
    assert stage.made() == [1, 1, 1, 1]
    assert len(lines_about(ended, LOOKS[call])) == 1, ended.err
    assert ended.is_intelligible()


def test_keys_that_may_see_nothing_are_told_for_each_source(stage: Stage) -> None:
    """The service reads the file by rights of its own, but no caller can vouch for it."""
    for call in LOOKS:
        stage.trouble(call, refusing(403, "AccessDenied"))

    ended = stage.run()

    assert ended.code == 3, ended.err
    codes = {row["error"]["code"] for row in ended.rows.values()}
    assert codes == {"preflight.object-forbidden"}
    assert {row["action"] for row in ended.rows.values()} == {"ask_permission"}
    assert stage.made() == []
    assert stage.run("--no-preflight").code == 0


@pytest.mark.fault(35)
def test_a_thousand_missing_files_are_told_in_a_few_lines(stage: Stage) -> None:
    stage.manifest(1000)
    stage.use_faults("objects: [{object: '*:web-*', missing: true}]")

    ended = stage.run("--output", "table", "--log-level", "error")

    assert ended.code == 3
    assert ended.err == ""
    told = ended.out.splitlines()
    assert told[0] == "wave-07: 0 of 1000 images active, 1000 failed"
    assert told[1].startswith("  fix_source (1000): ")
    assert told[2].endswith("web-4 and 995 more")
    assert len(told) <= 5
    assert stage.made() == []


def slow(seconds: float) -> Misdeed:
    """Answer so much later."""

    async def wait(exchange: Exchange) -> None:
        await asyncio.sleep(seconds)
        await exchange.write(await exchange.through())

    return wait


def test_a_slow_store_is_waited_for_by_all_looks_at_once(stage: Stage) -> None:
    stage.trouble("object", slow(1.0))
    stage.manifest(30)

    ended = stage.run()

    assert ended.code == 0, ended.err
    (line,) = lines_about(ended, "30 sources looked at in ")
    took = re.search(r"in ([0-9.]+) s, ", line)
    assert took is not None
    assert 1.0 <= float(took[1]) < 15.0  # one after the other: 30 s


def test_a_store_that_breaks_connections_is_asked_again(stage: Stage) -> None:
    async def reset(exchange: Exchange) -> None:
        await exchange.reset()

    stage.trouble("object", reset, when=lambda call: call.number % 2 == 1)

    ended = stage.run()

    assert ended.code == 0, ended.err
    assert lines_about(ended, "4 sources looked at"), ended.err
    assert not lines_about(ended, "not looked at")


# ------------------------------------------------------------ uploads


def other_etag(answer: bytes) -> bytes:
    return re.sub(rb'(?i)(\r\netag: *)"[^"]*"', rb'\1"' + b"0" * 32 + b'"', answer)


async def lie(exchange: Exchange) -> None:
    await exchange.write(other_etag(await exchange.through()))


def test_an_object_that_is_not_what_was_sent_is_never_registered(stage: Stage) -> None:
    """A store whose object has another ETag than the file's content."""
    with_file(stage)
    stage.trouble("object", lie, when=_is_about_the_file)

    ended = stage.run()

    assert ended.code in (3, 4), ended.err
    assert ended.rows["file-0"]["state"] != "active"
    assert ended.rows["file-0"]["error"]["code"] == "upload.content-differs"
    assert ended.rows["file-0"]["action"] == "run_again"
    assert stage.made() == [1, 1]
    stage.peace()
    assert stage.run().code == 0
    assert stage.made() == [1, 1, 1]


def _is_about_the_file(call: Call) -> bool:
    return "file-0.raw" in call.target


def test_a_part_that_the_store_refuses_for_a_while_is_sent_again(stage: Stage) -> None:
    with_file(stage)
    stage.trouble("part", refusing(503, "SlowDown"), when=lambda call: call.number <= 2)

    ended = stage.run()

    assert ended.code == 0, ended.err
    assert stage.made() == [1, 1, 1]


def test_a_bucket_that_takes_no_files_stops_only_what_is_uploaded(stage: Stage) -> None:
    with_file(stage)
    stage.trouble("part", refusing(403, "AccessDenied"))

    ended = stage.run()

    assert ended.code == 3, ended.err
    assert ended.states == {"web-0": "active", "web-1": "active", "file-0": "failed"}
    assert ended.rows["file-0"]["action"] == "ask_permission"
    assert stage.made() == [1, 1]
    stage.peace()
    assert stage.run().code == 0
