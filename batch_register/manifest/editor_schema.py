"""The shape of a manifest as JSON Schema, with what an editor shows beside it.

Decides: what is explained, offered and inserted where somebody writes a manifest. Must
not know: how a manifest is checked.

Sources: JSON Schema, draft-07; yaml-language-server, "Features" and "defaultSnippets";
Visual Studio Code, "JSON editing" (`markdownDescription`, `enumDescriptions`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from batch_register.manifest import rules
from batch_register.manifest.schema import ManifestFile
from batch_register.manifest.sources import EXCLUSIVE

Shape = dict[str, Any]

# draft-07: the newest that every YAML editor takes.
_DRAFT: Final = "http://json-schema.org/draft-07/schema#"

# OpenStack Glance, "Disk and Container Formats"; Image Management Service API
# reference, "Creating Image Metadata".
_FORMATS: Final = {
    "zvhd2": "The provider's own format, second version.",
    "zvhd": "The provider's own format.",
    "vhd": "Virtual hard disk, of Hyper-V and Xen.",
    "raw": "The disk byte by byte, without a format.",
    "qcow2": "Copy-on-write disk of QEMU and KVM.",
    "iso": "Image of an optical disc, such as an installer.",
    "vmdk": "Disk of VMware; only with source_url.",
    "vhdx": "Virtual hard disk of newer Hyper-V; only with source_url.",
    "vdi": "Disk of VirtualBox; only with source_url.",
    "ploop": "Disk of Virtuozzo; only with source_url.",
}
_TAG: Final = {
    "key": ("A tag's key.", "team"),
    "value": ("The tag's value; may be empty.", "db"),
}
_LABEL: Final = {
    "key": ("A label's key.", "owner"),
    "value": ("The label's value; may be empty.", "team-db"),
}
_NEW_IMAGE: Final = {
    "label": "an image in a bucket",
    "description": "Name and object; the rest from the defaults.",
    "body": {"name": "${1:web-01}", "object": "${2:disks/web-01.qcow2}"},
}
_NEW_DEFAULTS: Final = {
    "label": "the usual defaults",
    "description": "Bucket, operating system and smallest disk for all images.",
    "body": {
        "bucket": "${1:my-bucket}",
        "os_version": "${2:Ubuntu 22.04 server 64bit}",
        "min_disk": "${3:40}",
    },
}


def json_schema() -> Shape:
    """Return the manifest's JSON Schema, draft-07; the same at every call.

    Defaults are merged before an image is complete, so the schema cannot ask for
    what may come from there; loading does.
    """
    schema: Shape = TypeAdapter(ManifestFile).json_schema()
    top = schema["properties"]
    for title in ("ImageFields", "Image"):
        shape = schema["$defs"][title]
        shape["not"] = {"anyOf": [{"required": list(pair)} for pair in EXCLUSIVE]}
        _describe(shape["properties"])
    schema["$defs"]["Image"]["defaultSnippets"] = [_NEW_IMAGE]
    fields = schema["$defs"]["ImageFields"]
    fields["title"] = "Defaults"
    top["defaults"] = {
        "allOf": [{"$ref": "#/$defs/ImageFields"}],  # draft-07 ignores what is beside
        "description": fields["description"],
        "examples": top["defaults"]["examples"],
        "defaultSnippets": [_NEW_DEFAULTS],
    }
    for name, about in _fields(schema):
        _mark_up(about, "manifest name" if about is top["name"] else name)
    return {"$schema": _DRAFT, **schema, "title": "batch_register manifest, version 1"}


def schema_text() -> str:
    """Return the JSON Schema as the file that ships beside the example manifests."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=True) + "\n"


def _describe(fields: Shape) -> None:
    """Explain what is inside an image's fields."""
    fields["disk_format"]["enumDescriptions"] = [
        _FORMATS[word] for word in fields["disk_format"]["enum"]
    ]
    for field, words in (("tags", _TAG), ("labels", _LABEL)):
        _explain(fields[field]["propertyNames"], *words["key"])
        _explain(fields[field]["additionalProperties"], *words["value"])


def _explain(shape: Shape, description: str, example: str) -> None:
    shape["description"] = description
    shape["examples"] = [example]


def _fields(schema: Mapping[str, Any]) -> Iterator[tuple[str, Shape]]:
    """Yield every field of every map, with its name."""
    for shape in (schema, *schema["$defs"].values()):
        yield from shape["properties"].items()


def _mark_up(about: Shape, rule: str) -> None:
    """Say the same in Markdown, with the rule: an editor shows the backticks otherwise."""
    text = about["description"]
    if rule in rules.RULES:
        text = f"{text}\n\nIt {rules.RULES[rule].must}."
    about["markdownDescription"] = text
