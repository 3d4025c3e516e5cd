"""A webhook: the document is posted, signed, and posted again while that may help.

Decides: what is sent, which answers mean that it arrived, and when to try again. Must
not know: any HTTP library, what the document says. A receiver may get a letter twice,
where its answer was lost: both carry the same id.
"""

from __future__ import annotations

import asyncio
import base64
import random
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from urllib.parse import unquote, urlsplit, urlunsplit

from batch_register.errors import BatchRegisterError, ServiceError
from batch_register.ims.waiting import retry_after_s
from batch_register.model import Action
from batch_register.notify.carrier import Letter, NotDeliveredError, Patience
from batch_register.notify.sign import (
    DELIVERY_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    signature,
)
from batch_register.ports import Clock
from batch_register.settings import Address
from batch_register.transport import Reply, Request, Sender, redirect_host

# Besides 5xx: what the same letter may get past a moment later.
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_NEVER_PASSING = frozenset({Action.CONTACT_PROVIDER, Action.ASK_PERMISSION})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setback:
    """Why one try failed, and whether and when another one makes sense."""

    reason: str
    may_pass: bool
    wait_s: float = 0.0  # that the receiver asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One address that takes the document; a `Carrier`."""

    address: Address
    sender: Sender  # that reads no bodies: the status says all
    clock: Clock
    secret: str | None = field(repr=False)  # None: not signed
    patience: Patience
    rng: random.Random

    @property
    def destination(self) -> str:
        """Return what may be shown of the address."""
        return self.address.shown

    async def carry(self, letter: Letter) -> None:
        """Deliver the letter; raise NotDeliveredError where no try succeeded."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self.patience.tries_s
        last_at = ends_at - self.patience.least_try_s
        for number in count(1):
            left_s = ends_at - loop.time()
            setback = await self._try(letter, min(self.patience.try_s, left_s))
            if setback is None:
                return
            own_wait_s = self.patience.backoff.delay_s(number, self.rng.random())
            wait_s = max(own_wait_s, setback.wait_s)
            if not setback.may_pass or loop.time() + wait_s >= last_at:
                tries = "try" if number == 1 else "tries"
                message = f"{setback.reason} ({number} {tries})"
                raise NotDeliveredError(message)
            await asyncio.sleep(wait_s)

    async def _try(self, letter: Letter, deadline_s: float) -> _Setback | None:
        """Post once; return None where it arrived."""
        try:
            reply = await self.sender.send(self._request(letter, deadline_s))
        except ServiceError as error:
            may_pass = error.fault.action not in _NEVER_PASSING
            return _Setback(reason=error.fault.reason, may_pass=may_pass)
        except BatchRegisterError as error:  # a proxy's address
            return _Setback(reason=error.message, may_pass=False)
        return self._verdict(reply)

    def _request(self, letter: Letter, deadline_s: float) -> Request:
        url, login = _without_login(self.address.url)
        timestamp = str(int(self.clock.now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            DELIVERY_HEADER: letter.delivery_id,
            TIMESTAMP_HEADER: timestamp,
        }
        if login is not None:
            headers["Authorization"] = f"Basic {login}"
        if self.secret is not None:
            headers[SIGNATURE_HEADER] = signature(self.secret, timestamp, letter.body)
        return Request(
            operation="notify",
            method="POST",
            url=url,
            headers=headers,
            body=letter.body,
            deadline_s=deadline_s,
            secrets=self.address.secrets,
        )

    def _verdict(self, reply: Reply) -> _Setback | None:
        status = reply.status
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return None
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            host = redirect_host(reply)
            reason = f"HTTP {status}: sends us on to {host}, where nobody goes"
            return _Setback(reason=reason, may_pass=False)
        header = reply.headers.get("retry-after")
        return _Setback(
            reason=f"HTTP {status}",
            may_pass=status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING,
            wait_s=retry_after_s(header, "", self.clock.now()) or 0.0,
        )


def _without_login(url: str) -> tuple[str, str | None]:
    """Return the address without a login, and the login for its header (RFC 7617)."""
    parts = urlsplit(url)
    login, _, place = parts.netloc.rpartition("@")
    bare = urlunsplit((parts.scheme, place, parts.path or "/", parts.query, ""))
    if not login:
        return bare, None
    name, _, password = login.partition(":")
    pair = f"{unquote(name)}:{unquote(password)}"
    return bare, base64.b64encode(pair.encode()).decode()
