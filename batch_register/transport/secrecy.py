"""What must never be shown of a request, taken out of what comes back.

Services repeat what they were sent: in an error's words, in a header, in a job's reason.
Decides: in which spellings a secret is recognised, and how short one may be to count.
Must not know: what a secret is for, who shows what.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from urllib.parse import quote

from batch_register.transport.contract import Reply

MASK = "***"
SHORTEST = 4  # characters; masking shorter ones would garble every word
# An answer that is to be understood, not only shown, is touched for these alone: nothing
# that means anything is as long and repeated by chance.
LONG = 24
_KEPT = 16  # sets of secrets: those of a run, and of its signatures while they last


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return the text without the secrets, however they are spelled in it."""
    for spelling in _spellings(tuple(secrets), shortest=SHORTEST):
        text = text.replace(spelling, MASK)
    return text


def unrepeated(reply: Reply, secrets: Iterable[str]) -> Reply:
    """Return the reply as if the service had not repeated tokens and signatures.

    The reply then knows all of the secrets, for whoever shows some of its words.
    """
    confidential = (*reply.confidential, *secrets)
    spellings = _spellings(confidential, shortest=LONG)
    body = reply.body
    for spelling in spellings:
        body = body.replace(spelling.encode(), MASK.encode())
    headers = {name: masked(value, spellings) for name, value in reply.headers.items()}
    return replace(reply, headers=headers, body=body, confidential=confidential)


@lru_cache(maxsize=_KEPT)
def _spellings(secrets: tuple[str, ...], *, shortest: int) -> tuple[str, ...]:
    """Return each secret as it is, in a URL and in JSON; the longest first.

    Remembered, as every answer of a run is searched for the same few.
    """
    found: set[str] = set()
    for secret in secrets:
        if len(secret) >= shortest:
            in_json = json.dumps(secret)[1:-1]
            found |= {secret, quote(secret, safe=""), in_json}
    return tuple(sorted(found, key=len, reverse=True))
