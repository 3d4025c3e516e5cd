"""What a service says when it refuses: code, message and request id of any error body.

Decides: where in a body these three are, whoever produced it: the image service, its
gateway, the identity service, OpenStack, object storage, a load balancer. Must not
know: what a code means, HTTP statuses. Never fails, whatever the bytes.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_TEXT_LIMIT: Final = 65_536  # characters of a body without structure that are searched
_DEEPEST: Final = 3  # levels of nesting in which a code has been seen, plus one
_WIDEST: Final = 20  # members of one level that are looked at

_KEYS: Final = (
    ("error_code", "error_msg"),
    ("errorCode", "errorMsg"),
    ("code", "message"),
)
_MESSAGE_KEYS: Final = ("title", "detail", "reason")
_REQUEST_ID_KEYS: Final = ("request_id", "requestId", "RequestId")

# OpenStack wraps a fault in its name and repeats the HTTP status as its code.
_OPENSTACK_FAULTS: Final = frozenset(
    {
        "badRequest",
        "computeFault",
        "conflictingRequest",
        "forbidden",
        "itemNotFound",
        "overLimit",
        "unauthorized",
    }
)
# A service's code is a word; "409 Conflict" and "404" only repeat the status.
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_LINE_BREAK: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_ELEMENT: Final = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error body, read; every part is empty where the body does not have it.

    `message` and `request_id` are as they came: neither masked nor escaped yet.
    """

    code: str = ""
    message: str = ""
    request_id: str = ""


def read_refusal(body: bytes) -> Refusal:
    """Return what the body of an unsuccessful answer says."""
    text = body.decode("utf-8-sig", "replace").strip()
    try:
        data: object = json.loads(text)
    except (ValueError, RecursionError):
        return _from_text(text[:_TEXT_LIMIT])
    if isinstance(data, str):
        return Refusal(message=data)
    return _from_json(data)


def _from_json(data: object) -> Refusal:
    """Return the best of all objects: one with a code, else one with a message."""
    found = [_from_object(name, value) for name, value in _objects("", data, _DEEPEST)]
    best = next((one for one in found if one.code), None)
    best = best or next((one for one in found if one.message), Refusal())
    request_id = next((one.request_id for one in found if one.request_id), "")
    return Refusal(best.code, best.message, request_id)


def _objects(
    name: str, data: object, depth: int
) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield every object of a document with the name it goes by, outermost first."""
    if isinstance(data, dict):
        yield name, data
        members = list(data.items())
    elif isinstance(data, list):
        members = [(name, member) for member in data]
    else:
        return
    if depth:
        for member_name, member in members[:_WIDEST]:
            yield from _objects(member_name, member, depth - 1)


def _from_object(name: str, data: Mapping[str, object]) -> Refusal:
    """Return what one object says on its own level."""
    code, message = "", ""
    for code_key, message_key in _KEYS:
        code = code or _code(data.get(code_key))
        message = message or _text(data.get(message_key))
    if message and not code and name in _OPENSTACK_FAULTS:
        code = name
    message = message or _first_text(data, _MESSAGE_KEYS)
    message = _LINE_BREAK.sub(" ", message).strip()
    return Refusal(code, message, _first_text(data, _REQUEST_ID_KEYS))


def _code(value: object) -> str:
    """Return the value where it is a service's own code, else nothing."""
    text = _text(value)
    return text if _CODE.fullmatch(text) else ""


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _first_text(data: Mapping[str, object], keys: tuple[str, ...]) -> str:
    return next((text for key in keys if (text := _text(data.get(key)))), "")


def _from_text(text: str) -> Refusal:
    """Return what XML, HTML or plain text says."""
    if not text.startswith("<"):
        return Refusal(message=text)
    code = html.unescape(_element(text, "Code"))
    if _CODE.fullmatch(code):
        message = html.unescape(_element(text, "Message"))
        return Refusal(code, message, html.unescape(_element(text, "RequestId")))
    title = _TITLE.search(text)
    words = title.group(1) if title else _ELEMENT.sub(" ", text)
    return Refusal(message=html.unescape(words).strip())


def _element(text: str, name: str) -> str:
    """Return the content of the first XML element of that name."""
    _, _, rest = text.partition(f"<{name}>")
    content, closing, _ = rest.partition(f"</{name}>")
    return content.strip() if closing else ""
