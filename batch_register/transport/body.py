"""The body of an answer: decoded as it arrives, never larger than allowed.

Decides: which content encodings we take and when an answer is too much. Decoding is
ours rather than the HTTP library's, so that a small answer that swells to gigabytes
ends at the cap to the byte, and one that is cut off inside its compression shows. Must
not know: sockets, requests.
"""

from __future__ import annotations

import zlib
from typing import Protocol

ACCEPTED_ENCODING = "gzip"

_GZIP_WBITS = zlib.MAX_WBITS | 16  # expect a gzip header (RFC 1952)


class BodyTooLargeError(Exception):
    """The body, decoded, is larger than allowed."""


class BodyUndecodableError(Exception):
    """The body is not what its Content-Encoding says, or is cut off."""


class BodyReader(Protocol):
    """Takes a body piece by piece and returns it whole."""

    def feed(self, piece: bytes) -> None:
        """Take the next piece; raise BodyTooLargeError, BodyUndecodableError."""
        ...

    def finish(self) -> bytes:
        """Return the whole body; raise BodyUndecodableError where its end is missing."""
        ...


def body_reader(content_encoding: str, *, limit_bytes: int) -> BodyReader:
    """Return a reader for one `Content-Encoding` (RFC 9110, section 8.4).

    Raises:
        BodyUndecodableError: the encoding is one that we did not ask for.
    """
    match content_encoding.strip().lower():
        case "" | "identity":
            return _PlainReader(limit_bytes=limit_bytes)
        case "gzip" | "x-gzip":
            return _GzipReader(limit_bytes=limit_bytes)
        case _:
            raise BodyUndecodableError


class _PlainReader:
    """Counts and collects."""

    def __init__(self, *, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._body = bytearray()

    def feed(self, piece: bytes) -> None:
        if len(self._body) + len(piece) > self._limit_bytes:
            raise BodyTooLargeError
        self._body += piece

    def finish(self) -> bytes:
        return bytes(self._body)


class _GzipReader:
    """Inflates one gzip member; never makes more than one byte above the limit.

    Members that follow the first are refused: no service sends them, and millions of
    empty ones would pass any limit on what they decode to.
    """

    def __init__(self, *, limit_bytes: int) -> None:
        self._inflate = zlib.decompressobj(_GZIP_WBITS)
        self._plain = _PlainReader(limit_bytes=limit_bytes)
        self._room_bytes = limit_bytes
        self._is_empty = True

    def feed(self, piece: bytes) -> None:
        self._is_empty = self._is_empty and not piece
        if self._inflate.eof and piece:
            raise BodyUndecodableError
        try:
            plain = self._inflate.decompress(piece, self._room_bytes + 1)
        except zlib.error:
            raise BodyUndecodableError from None
        self._plain.feed(plain)
        self._room_bytes -= len(plain)
        if self._inflate.unused_data:
            raise BodyUndecodableError

    def finish(self) -> bytes:
        if not self._is_empty and not self._inflate.eof:
            raise BodyUndecodableError
        return self._plain.finish()
