"""One node of the list of images to one `ImageSpec`, defaults merged in.

Decides: what wins over what, which entries are alike. Must
not know: what a single value must look like (`schema`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from batch_register.manifest.problems import Mark, Problems, place, shown
from batch_register.manifest.rules import AUTO_MIN_DISK_GB
from batch_register.manifest.schema import (
    DEFAULTS,
    DEFAULTS_FIELDS,
    IMAGE,
    IMAGE_FIELDS,
    Image,
)
from batch_register.manifest.sources import (
    format_problem,
    missing_source,
    overridden,
    required_in_effect,
    rivals,
    source_of,
    web_problem,
)
from batch_register.manifest.tree import ListNode, MapNode, Node, Scalar
from batch_register.manifest.wording import (
    Scope,
    findings,
    meant_fields,
    missing_field,
)
from batch_register.model import EntryKey, FilePlace, ImageSpec, Pairs

Plain = dict[str, object]

_MERGED_MAPS: Final = ("tags", "labels")
_MAX_SHARED = 1_000  # distinct tag sets worth sharing


def plain_fields(node: MapNode) -> Plain:
    """Return a map's fields for pydantic; nothing in a manifest goes deeper."""
    return {
        key: value.value if type(value) is Scalar else _plain(value)
        for key, value in node.fields.items()
    }


def _plain(node: Node) -> object:
    """Return a map's values; what is nested in them only as the wrong kind it is."""
    if not isinstance(node, MapNode):
        return _shallow(node)
    return {key: _shallow(value) for key, value in node.fields.items()}


def _shallow(node: Node) -> object:
    """Return a scalar's value; a list or map without what it holds."""
    if isinstance(node, Scalar):
        return node.value
    return [] if isinstance(node, ListNode) else {}


class Defaults:
    """The fields that an image takes over where it does not set its own."""

    def __init__(self, node: MapNode | None) -> None:
        self.node = node
        self.plain: Plain = plain_fields(node) if node is not None else {}
        self._never_taken = tuple(self.plain.keys() - DEFAULTS_FIELDS)

    def check(self, problems: Problems) -> None:
        """Note what is wrong with the defaults themselves."""
        if self.node is None:
            return
        try:
            DEFAULTS.validate_python(self.plain)
        except ValidationError as error:
            maps = [self.node]
            for found in findings(error, Scope.DEFAULTS, maps, DEFAULTS_FIELDS):
                problems.add(*found)
        _check_one_source(self.node, problems, "")

    def merged_with(self, own: Plain) -> Plain:
        """Return an image's fields, its own winning, maps merged key by key."""
        merged = {**self.plain, **own}
        for field in _MERGED_MAPS:
            mine, theirs = own.get(field), self.plain.get(field)
            if isinstance(mine, dict) and isinstance(theirs, dict):
                merged[field] = {**theirs, **mine}
        for field in overridden(own):
            if field not in own:
                merged.pop(field, None)
        # What no default can be is reported at the defaults, not at every image.
        for field in self._never_taken:
            if field not in own:
                merged.pop(field, None)
        return merged


def _check_one_source(node: MapNode, problems: Problems, entry: str) -> bool:
    """Return whether a map names its source in one way; note it where not."""
    found = rivals(node.fields)
    for field, message in found.items():
        problems.add(node.key_marks[field], message, entry=entry)
    return not found


class EntryReader:
    """Turns the nodes of one manifest into specs, and remembers what it has seen."""

    def __init__(self, problems: Problems, defaults: Defaults) -> None:
        self._problems = problems
        self._defaults = defaults
        self._maps = [defaults.node] if defaults.node is not None else []
        self._keys: dict[str, int] = {}
        self._sources: dict[tuple[str, str], int] = {}
        self._files: dict[str, tuple[object, int]] = {}  # by the object they become
        self._shared: dict[Pairs, Pairs] = {}
        self._lacks: list[tuple[Mark | None, str, str]] = []
        self.count = 0
        self.specs: list[ImageSpec] = []

    def read(self, node: Node) -> None:
        """Add one image, or note everything that is wrong with it."""
        self.settle()
        self.count += 1
        if not isinstance(node, MapNode):
            message = "an image must be a map of fields, such as `- name: web-01`"
            self._problems.add(node.mark, message, entry=f"#{self.count}")
            return
        fields = self._defaults.merged_with(plain_fields(node))
        entry = self._entry(fields)
        is_whole = self._check_presence(node, fields, entry)
        checked = self._checked(node, fields, entry)
        is_new = self._check_twin(node, fields, entry)
        if checked is not None and is_whole and is_new:
            self.specs.append(
                self._spec(checked, source_of(fields), place(node.mark)[0])
            )

    def settle(self) -> None:
        """Note what the last image lacks.

        Not before the next one begins: a slip in the indentation may have cut it in two.
        """
        for mark, message, entry in self._lacks:
            self._problems.add(mark, message, entry=entry)
        self._lacks.clear()

    def _entry(self, fields: Plain) -> str:
        """Return the key by which messages call the image."""
        key = fields.get("key", fields.get("name"))
        return shown(key) if isinstance(key, str) and key else f"#{self.count}"

    def _checked(self, node: MapNode, fields: Plain, entry: str) -> Image | None:
        """Return the fields, checked one by one."""
        try:
            return IMAGE.validate_python(fields)
        except ValidationError as error:
            maps = [node, *self._maps]
            for found in findings(error, Scope.IMAGE, maps, IMAGE_FIELDS):
                self._problems.add(*found, entry=entry)
        return None

    def _check_presence(self, node: MapNode, fields: Plain, entry: str) -> bool:
        """Return whether everything is there that may come from the defaults."""
        missing = _missing(fields)
        if missing:  # misspelt is not missing, and named by its misspelling
            meant = meant_fields({*fields, *self._defaults.plain}, IMAGE_FIELDS)
            named = _missing({**dict.fromkeys(meant), **fields})
            self._lacks = [(node.mark, message, entry) for message in named]
        return _check_one_source(node, self._problems, entry) and not missing

    def _check_twin(self, node: MapNode, fields: Plain, entry: str) -> bool:
        """Return whether no entry before has this key, or this source and name."""
        key, name = fields.get("key", fields.get("name")), fields.get("name")
        if not isinstance(key, str) or not isinstance(name, str):
            return False
        line = place(node.mark)[0]
        field = "key" if "key" in fields else "name"
        message = ""
        if key in self._keys:
            message = (
                f'duplicate {field} "{shown(key)}": the image at line '
                f"{self._keys[key]} has it too; give each its own `key`"
            )
        elif (source := (source_of(fields), name)) in self._sources:
            message = (
                f'two images named "{shown(name)}" from one source: the other is at '
                f"line {self._sources[source]}; remove one, or rename it"
            )
        elif other := self._other_file(source[0], fields.get("source"), line):
            field = "source" if "source" in fields else field
            message = (
                f"another file becomes this object at line {other}: give each image "
                "an object of its own"
            )
        else:
            self._keys[key] = self._sources[source] = line
            return True
        self._problems.add(_mark_of(node, field), message, entry=entry)
        return False

    def _other_file(self, url: str, file: object, line: int) -> int:
        """Return the line of another file that goes to the same object, else 0."""
        if file is None:
            return 0
        first, place = self._files.setdefault(url, (file, line))
        return 0 if first == file else place

    def _spec(self, checked: Image, source: str, line: int) -> ImageSpec:
        """Return the spec; everything about it is proven by now."""
        return ImageSpec(
            key=EntryKey(checked.get("key", checked["name"])),
            name=checked["name"],
            image_url=source,
            os_version=checked.get("os_version", ""),
            min_disk_gb=checked.get("min_disk", 0),
            min_disk_is_auto=checked.get("min_disk") == AUTO_MIN_DISK_GB,
            source=_file(checked),
            min_ram_mb=checked.get("min_ram", 0),
            disk_format=checked.get("disk_format"),
            protected=checked.get("protected", False),
            tags=self._pairs(checked.get("tags")),
            labels=self._pairs(checked.get("labels")),
            priority=checked.get("priority", 0),
            size_bytes=checked.get("size_bytes"),
            line=line,
        )

    def _pairs(self, values: Mapping[str, str] | None) -> Pairs:
        """Return a map's pairs; most images of a batch share the same ones."""
        if not values:
            return ()
        pairs = tuple(values.items())
        if len(self._shared) < _MAX_SHARED:
            return self._shared.setdefault(pairs, pairs)
        return self._shared.get(pairs, pairs)


def _missing(fields: Plain) -> list[str]:
    """Return a sentence for everything that an image lacks."""
    missing = [
        missing_field(field, Scope.IMAGE)
        for field in required_in_effect(fields)
        if field not in fields
    ]
    source = missing_source(fields)
    rest = (source, web_problem(fields), format_problem(fields))
    return [*missing, *filter(None, rest)]


def _file(checked: Image) -> FilePlace | None:
    """Return the file that is uploaded first, if one is named."""
    if "source" not in checked:
        return None
    return FilePlace(
        path=checked["source"],
        host=checked.get("source_host"),
        resource=checked.get("source_resource"),
    )


def _mark_of(node: MapNode, field: str) -> Mark | None:
    """Return the place of an image's own value, or of the image."""
    value = node.fields.get(field)
    return value.mark if value is not None else node.mark
