"""A successful answer's body: one JSON object, read strictly.

Decides: which bytes are JSON to us. Must not know: which fields an answer has.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from batch_register.ims.codes import OwnCode


class AnswerError(Exception):
    """An answer that no documentation describes; `code` is one of ours."""

    def __init__(self, code: OwnCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def decoded(body: bytes) -> dict[str, Any]:
    """Return the JSON object that a body holds, strictly.

    A repeated key and NaN are refused: which value was meant would be a guess.
    """
    if not body.strip():
        raise AnswerError(OwnCode.EMPTY, "the answer has no body")
    try:
        data = json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=_without_repeats,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError):
        raise AnswerError(OwnCode.NOT_JSON, "the answer is not JSON") from None
    if not isinstance(data, dict):
        raise AnswerError(OwnCode.SHAPE, "the answer is not a JSON object")
    return data


def _without_repeats(members: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(members)
    if len(data) != len(members):
        message = "a key is given twice"
        raise ValueError(message)
    return data


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise ValueError(message)
