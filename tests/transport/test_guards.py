"""A later aiohttp that breaks what we rest on is refused, loudly."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import aiohttp
import pytest
from yarl import URL

from batch_register.transport.http import _Attempt


async def _disconnected(request: aiohttp.ClientRequest) -> aiohttp.ClientResponse:
    raise aiohttp.ServerDisconnectedError


async def test_a_second_try_of_one_call_is_stopped():
    attempt = _Attempt()
    asked = aiohttp.ClientRequest(
        "PUT", URL("http://127.0.0.1/"), loop=asyncio.get_running_loop()
    )
    with pytest.raises(Exception, match="ServerDisconnectedError") as caught:
        await attempt(asked, _disconnected)
    assert not isinstance(caught.value, aiohttp.ClientError | OSError)
    with pytest.raises(RuntimeError, match="twice"):
        await attempt(asked, _disconnected)


def test_an_answer_without_word_of_its_connection_is_refused():
    """What we say about `applied` would be wrong from then on."""
    with pytest.raises(RuntimeError, match="does not report its connections"):
        _Attempt().check()


def test_contracts_and_identity_load_without_an_http_library():
    """Whoever shows help or a report should not pay for aiohttp."""
    code = "import sys, batch_register.identity; sys.exit('aiohttp' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
