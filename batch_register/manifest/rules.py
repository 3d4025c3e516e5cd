"""The rules of every manifest field: pattern, length and range, each with its sentence.

Decides: what a value may be; the patterns mean the same to Python, to pydantic and to
an editor that reads the JSON Schema. Must not know: pydantic, YAML, places.

Sources: Image Management Service API reference, "Image Attributes", "Image Tag
Format", "Creating Image Metadata", "Registering an Image"; Object Storage Service API
reference, "Creating a Bucket"; OpenStack Glance, "Disk and Container Formats".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

VERSION: Final = 1
MAX_TAGS: Final = 7  # the service takes 10, three are ours
MAX_LABELS: Final = 50
MAX_NAME: Final = 128
MAX_TEXT: Final = 255
MAX_LABEL_KEY: Final = 64
MAX_OBJECT: Final = 1024
MIN_DISK_GB: Final = 1
MAX_DISK_GB: Final = 1024
AUTO: Final = "auto"  # of min_disk: the source's header tells
AUTO_MIN_DISK_GB: Final = 0  # what stands for it once it is read
MAX_SOURCE: Final = 4096
MAX_INTEGER: Final = 2**31 - 1
MAX_SIZE_BYTES: Final = 2**50

DISK_FORMATS: Final = ("zvhd2", "vhd", "zvhd", "raw", "qcow2", "iso")
# Of a file that plain OpenStack fetches ("Disk and container formats").
WEB_DISK_FORMATS: Final = (
    "qcow2",
    "raw",
    "vmdk",
    "vhd",
    "vhdx",
    "vdi",
    "iso",
    "ploop",
)
MAX_URL: Final = 2048

# Letters of a name: ASCII, and the Chinese ones that one provider takes besides.
_NAME = r"A-Za-z0-9._\-\u3400-\u4dbf\u4e00-\u9fff"
# What nobody can see or what turns text around: never part of a value.
_HIDDEN = r"\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff"
_BUCKET = r"[a-z0-9]+(?:(?:\.|-+)[a-z0-9]+)*"
# The query of an address that was signed for somebody: a secret, and no part of a key.
SIGNED_PATTERN: Final = (
    r"[?&](?:[Xx]-(?:[Aa]mz|[Oo]bs)-|(?:AWS)?AccessKeyId=|[Ss]ignature="
    r"|(?:[A-Za-z-]*-)?[Tt]oken=)"
)
_OBJECT = rf"(?![^:]*{SIGNED_PATTERN})(?![^:]*-(?:flat|FLAT|delta|DELTA)\.(?:vmdk|VMDK)$)[^\s:{_HIDDEN}]+"

MANIFEST_NAME_PATTERN: Final = r"^[A-Za-z0-9_-]{1,43}$"
NAME_PATTERN: Final = rf"^[{_NAME}](?:[{_NAME} ]*[{_NAME}])?$"
TEXT_PATTERN: Final = rf"^[^\s{_HIDDEN}](?:[^{_HIDDEN}]*[^\s{_HIDDEN}])?$"
LABEL_VALUE_PATTERN: Final = rf"^[^{_HIDDEN}]*$"
TAG_KEY_PATTERN: Final = r"^(?!br-)[A-Za-z0-9_-]{1,36}$"
TAG_VALUE_PATTERN: Final = r"^[A-Za-z0-9_-]{0,43}$"
BUCKET_PATTERN: Final = rf"^(?=.{{3,63}}$){_BUCKET}$"
OBJECT_PATTERN: Final = rf"^{_OBJECT}$"
# RFC 3986 without a login, a query and a fragment: each may hold a secret, and the
# address stands in the ledger, in reports and at the service.
SOURCE_URL_PATTERN: Final = (
    r"^https?://(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
    r"(?::[0-9]{1,5})?/[A-Za-z0-9._~!$&'()*+,;=:%/-]+$"
)
# A path; what has a scheme in front is an address, and none of ours.
SOURCE_PATTERN: Final = (
    rf"^(?![A-Za-z][A-Za-z0-9+.-]*://)[^\s{_HIDDEN}](?:[^{_HIDDEN}]*[^\s{_HIDDEN}])?$"
)
WORKER_PATTERN: Final = r"^[A-Za-z0-9](?:[A-Za-z0-9._:-]{0,253}[A-Za-z0-9])?$"
IMAGE_URL_PATTERN: Final = rf"^(?=[^:]{{3,63}}:){_BUCKET}:(?!//){_OBJECT}$"


class Kind(StrEnum):
    """What a field holds, in the words of a message."""

    TEXT = "text"
    NUMBER = "a whole number"
    SWITCH = "true or false"
    MAP = "a map"
    LIST = "a list"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a field holds, and what it must be like, as the end of a sentence."""

    kind: Kind
    must: str


RULES: Final[dict[str, Rule]] = {
    "version": Rule(Kind.NUMBER, "must be 1"),
    "manifest name": Rule(
        Kind.TEXT,
        'must be 1 to 43 letters, digits, "-" or "_": it becomes a tag in the cloud',
    ),
    "defaults": Rule(Kind.MAP, "must be a map of image fields"),
    "images": Rule(Kind.LIST, "must be a list with at least one image"),
    "key": Rule(
        Kind.TEXT,
        'must be 1 to 128 letters, digits, spaces, "-", "." or "_", '
        "with no space at either end",
    ),
    "name": Rule(
        Kind.TEXT,
        'must be 1 to 128 letters, digits, spaces, "-", "." or "_", '
        "with no space at either end",
    ),
    "image_url": Rule(
        Kind.TEXT,
        'must be "<bucket>:<object>", such as "my-bucket:disks/web-01.qcow2"',
    ),
    "source_url": Rule(
        Kind.TEXT,
        "must be an http or https address without a login or a query, such as "
        '"https://files.example.com/disks/web-01.qcow2"',
    ),
    "bucket": Rule(
        Kind.TEXT,
        'must be a bucket name: 3 to 63 lower-case letters, digits, "-" or ".", '
        "with a letter or digit at both ends and on both sides of a dot",
    ),
    "object": Rule(
        Kind.TEXT,
        "must be an object key of 1 to 1024 characters without blanks or ':'",
    ),
    "os_version": Rule(
        Kind.TEXT,
        "must be 1 to 255 visible characters, with no blank at either end, "
        'such as "Ubuntu 22.04 server 64bit"',
    ),
    "min_disk": Rule(
        Kind.NUMBER, f"must be {MIN_DISK_GB} to {MAX_DISK_GB} (GB), or auto"
    ),
    "source": Rule(Kind.TEXT, "must be a file's path, such as ./disks/web-01.qcow2"),
    "source_host": Rule(
        Kind.TEXT, "must be the host name or address of Dask workers, such as nas-01"
    ),
    "source_resource": Rule(
        Kind.TEXT, "must be the name of a resource that Dask workers offer"
    ),
    "min_ram": Rule(Kind.NUMBER, f"must be 0 to {MAX_INTEGER} (MB)"),
    "disk_format": Rule(
        Kind.TEXT,
        f"must be one of {', '.join(DISK_FORMATS)} (what the cloud keeps, whatever "
        f"the file is), or with `source_url` one of {', '.join(WEB_DISK_FORMATS)}",
    ),
    "protected": Rule(Kind.SWITCH, "must be true or false"),
    "tags": Rule(Kind.MAP, f"must hold at most {MAX_TAGS} tags: three more are ours"),
    "labels": Rule(Kind.MAP, f"must hold at most {MAX_LABELS} labels"),
    "priority": Rule(Kind.NUMBER, f"must be {-MAX_INTEGER} to {MAX_INTEGER}"),
    "size_bytes": Rule(Kind.NUMBER, f"must be 1 to {MAX_SIZE_BYTES} (bytes)"),
    "tags key": Rule(
        Kind.TEXT,
        'must be 1 to 36 letters, digits, "-" or "_", and not begin with "br-"',
    ),
    "tags value": Rule(Kind.TEXT, 'must be 0 to 43 letters, digits, "-" or "_"'),
    "labels key": Rule(
        Kind.TEXT,
        f"must be 1 to {MAX_LABEL_KEY} visible characters, with no blank at either end",
    ),
    "labels value": Rule(Kind.TEXT, f"must be 0 to {MAX_TEXT} visible characters"),
}

NEVER_HELD: Final = (
    "the manifest never holds credentials, endpoints or concurrency; remove it: "
    "they belong in clouds.yaml and in flags"
)

CREDENTIAL_WORDS: Final = frozenset(
    {
        "access_key",
        "access_key_id",
        "ak",
        "api_key",
        "apikey",
        "application_credential_secret",
        "credential",
        "credentials",
        "passphrase",
        "passwd",
        "password",
        "secret",
        "secret_access_key",
        "secret_key",
        "security_token",
        "sk",
        "token",
    }
)
_SETTING_WORDS = frozenset(
    {
        "application_credential_id",
        "auth",
        "auth_url",
        "cloud",
        "clouds",
        "concurrency",
        "endpoint",
        "endpoints",
        "iam_endpoint",
        "ims_endpoint",
        "max_concurrency",
        "obs_endpoint",
        "parallel",
        "parallelism",
        "project_id",
        "region",
        "region_name",
        "tokens",
        "user",
        "username",
        "workers",
    }
)


def is_never_held(key: str) -> bool:
    """Return whether a key asks for what belongs in settings or in clouds.yaml."""
    return is_credential(key) or _plain_word(key) in _SETTING_WORDS


def is_credential(key: str) -> bool:
    """Return whether a key asks for a secret."""
    return _plain_word(key) in CREDENTIAL_WORDS


def _plain_word(key: str) -> str:
    return key.lower().replace("-", "_")
