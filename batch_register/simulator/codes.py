"""Names for the service's error codes (IMS API reference, error codes)."""

from __future__ import annotations

from enum import StrEnum


class Img(StrEnum):
    """The IMG codes that this simulator gives."""

    MALFORMED = "IMG.0001"
    NAME_TOO_LONG = "IMG.0002"
    NAME_INVALID = "IMG.0003"
    EMPTY_BODY = "IMG.0007"
    NAME_TAKEN = "IMG.0009"
    QUOTA = "IMG.0015"
    URL_MALFORMED = "IMG.0017"
    JOB_QUERY = "IMG.0023"
    NOT_FOUND = "IMG.0027"
    ATTRIBUTE = "IMG.0035"
    NOT_AVAILABLE = "IMG.0046"
    DISK_OR_MEMORY = "IMG.0055"
    OS_VERSION = "IMG.0056"
    FILE = "IMG.0057"
    REGION = "IMG.0058"
    TOO_BIG = "IMG.0059"
    TOO_MANY_TASKS = "IMG.0060"
    PROJECT = "IMG.0067"
    BUCKET_EMPTY = "IMG.0068"
    BUCKET = "IMG.0069"
    FORMAT = "IMG.0072"
    UNDER_CREATION = "IMG.0090"
    BUCKET_CHARACTERS = "IMG.0109"
    TAG_INVALID = "IMG.0115"
    TAG_TOO_MANY = "IMG.0116"
    BLANK_IN_NAME = "IMG.0175"
    REGISTER_FAILED = "IMG.1075"
