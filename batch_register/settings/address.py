"""Where a notification goes: an address that is mostly secret.

Decides: what counts as an address, and how much of it may be shown. A webhook shows its
host; of every other address the scheme alone is shown, since chat services keep tokens
in the place of a host. Must not know: how anything is sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

_FORM = re.compile(r"([a-z][a-z0-9+.-]*)://[\x21-\x7e]+", re.IGNORECASE)
_WEB = frozenset({"http", "https"})
# A part of an address that is as long may be a token.
_TOKEN_LENGTH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One address; its text is what may be shown of it, never the whole."""

    url: str = field(repr=False)
    shown: str

    @classmethod
    def parse(cls, text: str) -> Address:
        """Return the address that a text spells.

        Raises:
            ValueError: it is none; the error does not quote it.
        """
        form = _FORM.fullmatch(text)
        if form is None:
            message = "must be addresses such as https://host/path, without spaces"
            raise ValueError(message)
        scheme = form[1].lower()
        if scheme not in _WEB:
            return cls(url=text, shown=f"{scheme}://…")
        return cls(url=text, shown=f"{scheme}://{_host(text)}/…")

    def __str__(self) -> str:
        return self.shown

    @property
    def is_webhook(self) -> bool:
        """Return whether it takes the JSON document, and is no chat service."""
        return self.shown.startswith(("http://", "https://"))

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return everything in it that must not be shown, should anyone repeat it."""
        _, _, rest = self.url.partition("://")
        before_query, _, query = rest.partition("?")
        login, _, place = before_query.rpartition("@")
        host, _, path = place.partition("/")
        parts = [*login.split(":"), *path.split("/")]
        parts += [value for _, value in parse_qsl(query, keep_blank_values=True)]
        if not self.is_webhook and "." not in host:
            parts.append(host)
        long = {part for part in parts if len(part) >= _TOKEN_LENGTH}
        password = login.partition(":")[2]
        whole = {self.url} if login or path or query else set()
        found = {*whole, login, password, unquote(password), *long, *map(unquote, long)}
        return tuple(sorted(found - {""}))


def _host(url: str) -> str:
    """Return `host` or `host:port` of a web address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not host:
        message = "must be addresses with a host and, at most, a port below 65536"
        raise ValueError(message) from None
    named = f"[{host}]" if ":" in host else host
    return named if port is None else f"{named}:{port}"
