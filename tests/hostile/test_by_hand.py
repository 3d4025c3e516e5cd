"""Somebody else's hands: an image that is deleted while we wait for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.hostile.conftest import Stage
from tests.hostile.front import Exchange, about

pytestmark = [pytest.mark.integration, pytest.mark.fault(34)]


@pytest.fixture
def options() -> dict[str, Any]:
    return {"delete_saving": "cancels", "delete_linger_range_s": (0.0, 1.0)}


async def delete_what_was_registered(exchange: Exchange) -> None:
    """Carry the register out, and delete its image before the answer arrives."""
    answer = await exchange.through()
    call = exchange.call
    token = call.header("X-Auth-Token")
    head = f"DELETE / HTTP/1.1\r\nHost: cloud\r\nX-Auth-Token: {token}\r\n\r\n"
    target = f"/v2/images/{call.target.split('/')[3]}"
    deletion = replace(
        call, method="DELETE", target=target, head=head.encode(), body=b""
    )
    assert b" 204 " in await exchange.send_on(deletion)
    await exchange.write(answer)


def test_an_image_that_is_deleted_in_mid_run_fails_its_entry_and_is_made_afresh(
    stage: Stage,
) -> None:
    stage.trouble("register", delete_what_was_registered, when=about("web-1"))

    ended = stage.run()

    assert ended.code == 3, ended.err
    row = ended.rows["web-1"]
    assert (row["state"], row["action"]) == ("failed", "run_again")
    assert row["error"]["reason"]
    assert [row["state"] for row in ended.rows.values()].count("active") == 3
    again = stage.run()
    assert again.code == 0, again.err
    assert sorted(stage.made()) == [1, 1, 1, 2]
    assert stage.audit()["images_existing"] == 4
    assert stage.audit()["duplicates"] == {}
