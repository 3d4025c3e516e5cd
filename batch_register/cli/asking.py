"""A question at the terminal, and its answer.

Decides: what counts as a yes, and that a signal ends the wait. Must not know: what the
question is about.
"""

from __future__ import annotations

import asyncio
import os

import click

from batch_register.stopping import Stop


async def is_agreed_to(question: str, stop: Stop) -> bool:
    """Ask on standard error, and return whether the line that is typed says yes.

    The loop goes on meanwhile: a blocking read would hear a signal only after the answer.

    Raises:
        StoppedError: a signal came first.
    """
    click.echo(f"{question} [y/N]: ", err=True, nl=False)
    loop, arrived, source = asyncio.get_running_loop(), asyncio.Event(), 0
    loop.add_reader(source, arrived.set)
    try:
        await stop.until(arrived)
    finally:
        loop.remove_reader(source)
    answer = os.read(source, 1024).decode(errors="replace")
    return answer.strip().lower() in ("y", "yes")
