"""A stop ends every wait at once, and the first reason stays."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from batch_register.errors import StoppedError
from batch_register.model import StopReason
from batch_register.stopping import Stop
from tests.virtual_time import run_virtually


def _now_s() -> float:
    return asyncio.get_running_loop().time()


async def _ended_at_s(waiting: Awaitable[None]) -> float:
    with pytest.raises(StoppedError):
        await waiting
    return _now_s()


def test_the_first_reason_stays() -> None:
    stop = Stop()
    assert (stop.is_requested, stop.reason) == (False, None)
    stop.request(StopReason.WINDOW)
    stop.request(StopReason.SIGTERM)
    assert (stop.is_requested, stop.reason) == (True, StopReason.WINDOW)


@pytest.mark.parametrize(("seconds", "lasted_s"), [(5.0, 5.0), (0.0, 0.0), (-3.0, 0.0)])
def test_a_pause_lasts_as_long_as_it_says(seconds: float, lasted_s: float) -> None:
    async def scenario() -> float:
        await Stop().pause(seconds)
        return _now_s()

    assert run_virtually(scenario()) == lasted_s


@pytest.mark.parametrize("seconds", [0.0, 5.0])
def test_no_pause_begins_after_a_stop(seconds: float) -> None:
    async def scenario() -> float:
        stop = Stop()
        stop.request(StopReason.SIGINT)
        with pytest.raises(StoppedError):
            await stop.pause(seconds)
        return _now_s()

    assert run_virtually(scenario()) == 0.0


def test_a_stop_ends_pauses_and_waits_at_once() -> None:
    async def scenario() -> list[float]:
        stop = Stop()
        async with asyncio.TaskGroup() as group:
            waits = [stop.pause(3600), stop.until(asyncio.Event())]
            tasks = [group.create_task(_ended_at_s(wait)) for wait in waits]
            await asyncio.sleep(7)
            stop.request(StopReason.SIGTERM)
        return [task.result() for task in tasks]

    assert run_virtually(scenario()) == [7.0, 7.0]


def test_until_returns_when_the_event_is_set() -> None:
    async def scenario() -> float:
        stop, event = Stop(), asyncio.Event()
        asyncio.get_running_loop().call_later(4, event.set)
        await stop.until(event)
        return _now_s()

    assert run_virtually(scenario()) == 4.0


def test_until_is_over_after_a_stop_even_where_the_event_is_set() -> None:
    async def scenario() -> None:
        stop, event = Stop(), asyncio.Event()
        event.set()
        stop.request(StopReason.WINDOW)
        with pytest.raises(StoppedError):
            await stop.until(event)

    run_virtually(scenario())


def test_followers_hear_of_the_first_request_and_of_no_other() -> None:
    stop, heard = Stop(), list[tuple[int, StopReason | None]]()
    stop.when_requested(lambda: heard.append((1, stop.reason)))
    stop.when_requested(lambda: heard.append((2, stop.reason)))
    assert heard == []
    stop.request(StopReason.WINDOW)
    stop.request(StopReason.SIGTERM)
    assert heard == [(1, StopReason.WINDOW), (2, StopReason.WINDOW)]


def test_several_waits_for_one_event_all_end_with_the_stop() -> None:
    stop = Stop()

    async def scenario() -> list[str]:
        event, ended = asyncio.Event(), list[str]()

        async def wait(name: str) -> None:
            with pytest.raises(StoppedError):
                await stop.until(event)
            ended.append(name)

        async with asyncio.TaskGroup() as group:
            short = group.create_task(wait("short"))
            group.create_task(wait("first"))
            group.create_task(wait("second"))
            await asyncio.sleep(1)
            short.cancel()
            await asyncio.sleep(1)
            stop.request(StopReason.SIGTERM)
        return ended

    assert run_virtually(scenario()) == ["first", "second"]
