"""Apprise's addresses: carried by Apprise, refused before any work where they are none."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from batch_register.errors import SettingsError
from batch_register.notify.carrier import Letter, NotDeliveredError
from batch_register.notify.chat import Chat
from batch_register.settings import Address
from tests.notify.receiver import answer, never_answer, receiving

# What Apprise imports for encrypted mail, on Pythons before 3.13.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")

LETTER = Letter(
    delivery_id="id-1", body=b"{}", title="[ok] wave", text="x <b>", is_trouble=True
)


@pytest.mark.integration
async def test_apprise_carries_title_and_text() -> None:
    with receiving(answer("200 OK")) as receiver:
        await Chat(Address.parse(f"json://127.0.0.1:{receiver.port}/x")).carry(LETTER)
    found = json.loads(receiver.arrived[0].body)
    assert (found["title"], found["message"]) == ("[ok] wave", "x <b>")
    assert found["type"] == "failure"


@pytest.mark.integration
async def test_what_apprise_cannot_deliver_is_told_without_its_words() -> None:
    with receiving(answer("500 Error")) as receiver:
        chat = Chat(Address.parse(f"json://127.0.0.1:{receiver.port}/c4n4ry"))
        with pytest.raises(NotDeliveredError) as told:
            await chat.carry(LETTER)
    assert "c4n4ry" not in str(told.value) + chat.destination


@pytest.mark.integration
def test_apprise_and_its_threads_keep_no_process_from_ending(tmp_path: Path) -> None:
    manifest = tmp_path / "wave-07.yaml"
    manifest.write_text("not even a manifest")
    with receiving(never_answer) as receiver:
        url = f"json://127.0.0.1:{receiver.port}/?rto=300&cto=300"
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "batch_register", "run", str(manifest)),
                *("--notify", url),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert receiver.has_arrived.wait(60)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
        assert time.monotonic() - began < 10
    assert process.returncode == 65, said
    assert "stopped by a signal" in said


@pytest.mark.integration
def test_a_letter_that_is_given_up_leaves_no_process_behind() -> None:
    with receiving(never_answer) as receiver:
        url = f"json://127.0.0.1:{receiver.port}/?rto=300&cto=300"

        async def give_up() -> None:
            async with asyncio.timeout(3):
                await Chat(Address.parse(url)).carry(LETTER)

        with pytest.raises(TimeoutError):
            asyncio.run(give_up())
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    assert [pid for pid in children.split() if "chat_process" in command_of(pid)] == []


def command_of(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


@pytest.mark.parametrize("url", ["nosuchservice://c4n4ry/x", "slack://c4n4ry"])
def test_an_address_that_apprise_does_not_know_is_refused(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Chat(Address.parse(url))
    assert "c4n4ry" not in refused.value.message
    assert refused.value.exit_code == 2


WITHOUT_APPRISE = """
import sys
sys.modules["apprise"] = None  # as if it were not installed
from batch_register.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.integration
def test_a_missing_extra_is_named_before_any_work(tmp_path) -> None:
    manifest = tmp_path / "wave-07.yaml"
    manifest.write_text("not even a manifest")
    ended = subprocess.run(
        [
            *(sys.executable, "-c", WITHOUT_APPRISE, "run", str(manifest)),
            *("--notify", "slack://c4n4ry/c4n4ry"),
        ],
        capture_output=True,
        check=False,
        text=True,
    )
    assert ended.returncode == 2, ended.stderr
    assert "slack://… needs Apprise" in ended.stderr
    assert "batch-register[notify]" in ended.stderr
    assert "c4n4ry" not in ended.stderr
