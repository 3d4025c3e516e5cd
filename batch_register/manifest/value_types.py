"""The kinds of values that manifest fields hold, for pydantic.

Decides: how one value is checked, and what an editor is told of it. Must not know:
which fields there are.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated

from pydantic import (
    AfterValidator,
    Field,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from batch_register.manifest import rules


def matching(pattern: str) -> AfterValidator:
    """Check by Python's `re`: for patterns with look-ahead, which Rust has not."""
    search = re.compile(pattern).fullmatch

    def check(value: str) -> str:
        if search(value) is None:
            kind = "pattern"
            raise PydanticCustomError(kind, "no match")
        return value

    return AfterValidator(check)


def map_key(pattern: str) -> AfterValidator:
    """Check a tag's or label's key, and refuse those that would hold a secret.

    The few keys of a batch come again and again, so the answers are kept.
    """
    search = re.compile(pattern).fullmatch

    @lru_cache(maxsize=1024)
    def check(key: str) -> str:
        if rules.is_credential(key):
            kind = "credential"
            raise PydanticCustomError(kind, "would reach the cloud or a report")
        if search(key) is None:
            kind = "pattern"
            raise PydanticCustomError(kind, "no match")
        return key

    return AfterValidator(check)


def extra(rule: str, pattern: str = "") -> JsonDict:
    """Return what an editor shows when a pattern does not match."""
    shown: JsonDict = {"patternErrorMessage": rules.RULES[rule].must}
    return {"pattern": pattern, **shown} if pattern else shown


def key_shape(rule: str, pattern: str) -> JsonDict:
    """Return the JSON Schema of a map's keys."""
    refused: JsonDict = {"enum": [*sorted(rules.CREDENTIAL_WORDS)]}
    return {"not": refused, **extra(rule, pattern)}


ImageName = Annotated[
    str,
    Field(
        pattern=rules.NAME_PATTERN,
        max_length=rules.MAX_NAME,
        json_schema_extra=extra("name"),
    ),
]
TagKey = Annotated[str, map_key(rules.TAG_KEY_PATTERN)]
TagValue = Annotated[
    str,
    Field(pattern=rules.TAG_VALUE_PATTERN, json_schema_extra=extra("tags value")),
]
LabelKey = Annotated[
    str,
    map_key(rules.TEXT_PATTERN),
    Field(max_length=rules.MAX_LABEL_KEY),
]
LabelValue = Annotated[
    str,
    Field(
        pattern=rules.LABEL_VALUE_PATTERN,
        max_length=rules.MAX_TEXT,
        json_schema_extra=extra("labels value"),
    ),
]


def _auto_or_number(value: object, handler: ValidatorFunctionWrapHandler) -> int:
    """Return the number, or what stands for `auto`."""
    if value == rules.AUTO:
        return rules.AUTO_MIN_DISK_GB
    number: int = handler(value)
    return number


MinDisk = Annotated[
    int,
    Field(ge=rules.MIN_DISK_GB, le=rules.MAX_DISK_GB),
    WrapValidator(_auto_or_number),
    WithJsonSchema(
        {
            "type": ["integer", "string"],
            "minimum": rules.MIN_DISK_GB,
            "maximum": rules.MAX_DISK_GB,
            **extra("min_disk", f"^{rules.AUTO}$"),
        }
    ),
]
