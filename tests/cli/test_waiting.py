"""Whoever waits at a terminal hears something; a file does not."""

from __future__ import annotations

import asyncio
import io

from batch_register.cli.waiting import told_while_waiting
from tests.virtual_time import run_virtually


class Screen(io.StringIO):
    """A terminal, or a file."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


class Gone(Screen):
    """A terminal that was closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


def waited(stream: Screen, for_s: float) -> str:
    async def wait() -> None:
        async with told_while_waiting(stream, lambda: "waiting for x"):
            await asyncio.sleep(for_s)
        await asyncio.sleep(60.0)  # nothing more is told afterwards

    run_virtually(wait())
    return stream.getvalue()


def test_a_terminal_is_told_every_five_seconds() -> None:
    told = waited(Screen(is_terminal=True), 12.0)
    assert told.splitlines() == ["  5 s: waiting for x", " 10 s: waiting for x"]


def test_what_is_quick_says_nothing() -> None:
    assert waited(Screen(is_terminal=True), 4.9) == ""


def test_a_file_is_told_nothing() -> None:
    assert waited(Screen(is_terminal=False), 12.0) == ""


def test_a_terminal_that_has_gone_does_not_end_what_is_waited_for() -> None:
    assert waited(Gone(is_terminal=True), 12.0) == ""
