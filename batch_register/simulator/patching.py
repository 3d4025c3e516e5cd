"""Changes to an image by JSON patch, in the three spellings that the API takes.

Source: IMS API reference, "Modifying an image" (both halves): only name, description
and custom attributes change; replace and remove need an attribute that exists.
"""

from __future__ import annotations

from collections.abc import Iterator

from batch_register.simulator.codes import Img
from batch_register.simulator.creation import check_name
from batch_register.simulator.images import Image, image_document
from batch_register.simulator.refusals import ims

Change = tuple[str, str, object]  # operation, attribute, value

_OPERATIONS = ("add", "replace", "remove")
_ATTRIBUTES = frozenset({"__description", "max_ram", "min_ram", "min_disk"})


def read_patch(document: object) -> list[Change]:
    """Read a patch of either native version or of the extension.

    Raises:
        Refusal: it is none of them.
    """
    if not isinstance(document, list):
        raise ims(Img.MALFORMED, "A patch is an array of operations.")
    return [_read_operation(item) for item in document]


def apply_patch(
    image: Image, changes: list[Change], *, chinese_names: bool, now_s: float
) -> None:
    """Change an image, or refuse the whole patch."""
    present = image_document(image, image.status)
    for operation, name, value in changes:
        _check(operation, name, present)
        if name == "name":
            check_name(value, chinese=chinese_names)
    for operation, name, value in changes:
        _apply(image, operation, name, value)
    image.touch(now_s)


def _read_operation(item: object) -> Change:
    if not isinstance(item, dict):
        raise ims(Img.MALFORMED, "An operation is an object.")
    for operation, path, value in _spellings(item):
        if operation in _OPERATIONS and isinstance(path, str):
            return str(operation), path.removeprefix("/"), value
    raise ims(Img.MALFORMED, "An operation is add, replace or remove of a path.")


def _spellings(item: dict[str, object]) -> Iterator[tuple[object, object, object]]:
    yield item.get("op"), item.get("path"), item.get("value")
    for operation in _OPERATIONS:
        if operation in item:
            yield operation, item[operation], item.get("value")


def _check(operation: str, name: str, present: dict[str, object]) -> None:
    custom = name in _ATTRIBUTES or name not in present
    if operation != "add" and name not in present:
        raise ims(Img.ATTRIBUTE, f"The attribute {name} does not exist.")
    if name != "name" and not custom and not name.startswith("__support_"):
        raise ims(Img.ATTRIBUTE, f"The attribute {name} cannot be changed.")


def _apply(image: Image, operation: str, name: str, value: object) -> None:
    if name == "name":
        image.name = str(value)
    elif name == "min_disk" and isinstance(value, int):
        image.min_disk_gb = value
    elif name == "min_ram" and isinstance(value, int):
        image.min_ram_mb = value
    elif operation == "remove":
        image.extra.pop(name, None)
    else:
        image.extra[name] = value
