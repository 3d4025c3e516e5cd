"""A file or its bytes to a `Manifest`, or one error with everything that is wrong.

Decides: the order of the steps. Must not know: single fields, YAML's grammar.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError
from yaml.error import YAMLError

from batch_register.collector import paused
from batch_register.errors import SettingsError
from batch_register.manifest.entries import Defaults, EntryReader, plain_fields
from batch_register.manifest.events import (
    MAX_BYTES,
    EventOpener,
    checked_bytes,
    open_native,
    syntax_error,
)
from batch_register.manifest.problems import (
    Problems,
    TooManyProblemsError,
    UnreadableError,
    place,
)
from batch_register.manifest.rules import RULES, VERSION
from batch_register.manifest.schema import HEAD, HEAD_FIELDS
from batch_register.manifest.tree import (
    MAX_NODES,
    ListNode,
    MapNode,
    Node,
    Scalar,
    TreeBuilder,
)
from batch_register.manifest.wording import (
    Scope,
    findings,
    meant_fields,
    value_problem,
)
from batch_register.model import ImageSpec, Manifest

_QUOTED_BYTES = 40 * 2**20  # 100,000 images take some 30 MB
_IMAGES = "images"
_DEFAULTS = "defaults"
_NO_IMAGES = "`images` is missing: list at least one, such as `- name: web-01`"


def load_manifest(path: Path) -> Manifest:
    """Read one manifest file.

    Raises:
        SettingsError: the file cannot be read.
        ManifestError: its content is wrong; carries every problem.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"cannot read the manifest {path}: {error.strerror or error}"
        hint = "check the path and the file's permissions"
        raise SettingsError(message, hint=hint) from error
    return _with_places(parse_manifest(data, path=str(path)), path.parent)


def _with_places(manifest: Manifest, folder: Path) -> Manifest:
    """Return the manifest with the paths of its files from the root on."""
    if all(spec.source is None for spec in manifest.images):
        return manifest
    images = (_with_place(spec, folder.absolute()) for spec in manifest.images)
    return replace(manifest, images=tuple(images))


def _with_place(spec: ImageSpec, folder: Path) -> ImageSpec:
    if spec.source is None:
        return spec
    # by text alone: with workers the path is one of their machines
    path = os.path.normpath(folder / Path(spec.source.path))
    return replace(spec, source=replace(spec.source, path=path))


def parse_manifest(
    data: bytes, *, path: str, open_events: EventOpener = open_native
) -> Manifest:
    """Return the manifest that these bytes hold; `path` is for messages only.

    Raises:
        ManifestError: the content is wrong; carries every problem.
    """
    with paused():
        reading = _Reading(defaults=None)
        manifest = reading.run(data, open_events)
        if reading.late_defaults is not None:
            reading = _Reading(defaults=reading.late_defaults)
            manifest = reading.run(data, open_events)
    if manifest is None:
        raise reading.problems.error(path)
    return manifest


def excerpt_text(path: Path) -> str:
    """Return a manifest's text to show lines of it.

    Empty where it cannot be read, or is far larger than any manifest worth quoting.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_QUOTED_BYTES + 1)
    except OSError:
        return ""
    return data.decode(errors="replace") if len(data) <= _QUOTED_BYTES else ""


class _Reading:
    """One way through the file, from top to bottom.

    Images are completed while they are read, so the defaults must be known by then.
    Where they stand below the images, `late_defaults` holds them after `run`, and a
    second reading starts with them.
    """

    def __init__(self, *, defaults: Node | None) -> None:
        self.problems = Problems()
        self.late_defaults: Node | None = None
        self._defaults = defaults
        self._entries: EntryReader | None = None

    def run(self, data: bytes, open_events: EventOpener) -> Manifest | None:
        """Return the manifest, or None where there are problems."""
        try:
            name = self._read(checked_bytes(data), open_events)
        except UnreadableError as error:
            if self._defaults is None:  # they may stand behind this place
                self.problems = Problems()
            self.problems.note(error.problem)
            return None
        except TooManyProblemsError:
            return None
        if self.problems or self._entries is None:
            return None
        return Manifest(name=name, images=tuple(self._entries.specs))

    def _read(self, data: bytes, open_events: EventOpener) -> str:
        """Read everything; return the manifest's name."""
        try:
            source = open_events(data)
            builder = TreeBuilder(
                source,
                self.problems,
                streamed=_IMAGES,
                sink=self._take,
                max_nodes=MAX_NODES,
            )
            root = builder.document()
        except YAMLError as error:
            raise syntax_error(error, data) from None
        if not isinstance(root, MapNode):
            raise _no_manifest(root)
        name = self._head(root)
        self._rest(root).settle()
        return name

    def _take(self, top: MapNode, item: Node) -> None:
        """Complete one image with the defaults known so far."""
        self._begin(top).read(item)
        self.problems.give_up_if_many()

    def _begin(self, top: MapNode) -> EntryReader:
        """Return the reader of images, made when the first one comes."""
        if self._entries is None:
            if self._defaults is None:
                self._defaults = top.fields.get(_DEFAULTS)
            node = self._defaults if isinstance(self._defaults, MapNode) else None
            defaults = Defaults(node)
            defaults.check(self.problems)
            self._entries = EntryReader(self.problems, defaults)
        return self._entries

    def _head(self, root: MapNode) -> str:
        """Check what the manifest says about itself; return its name."""
        fields = plain_fields(root)
        for field in (_IMAGES, _DEFAULTS):
            fields.pop(field, None)
        try:
            return HEAD.validate_python(fields)["name"]
        except ValidationError as error:
            for found in findings(error, Scope.HEAD, [root], HEAD_FIELDS):
                self.problems.add(*found)
        _check_version(root.fields.get("version"))
        return ""

    def _rest(self, root: MapNode) -> EntryReader:
        """Check defaults and images as a whole; return the reader of the images."""
        defaults, images = root.fields.get(_DEFAULTS), root.fields.get(_IMAGES)
        if defaults is not None and not isinstance(defaults, MapNode):
            message = value_problem(_DEFAULTS, _DEFAULTS, defaults)
            self.problems.add(defaults.mark, message)
        if self._entries is not None and self._defaults is None:
            self.late_defaults = defaults
        reader = self._begin(root)
        if images is None:
            if _IMAGES not in meant_fields(root.fields, HEAD_FIELDS):
                self.problems.add(root.mark, _NO_IMAGES)
        elif not isinstance(images, ListNode):
            self.problems.add(images.mark, value_problem(_IMAGES, _IMAGES, images))
        else:
            self._check_list(reader, images)
        return reader

    def _check_list(self, reader: EntryReader, images: ListNode) -> None:
        """Take the images of a list that was not streamed; refuse an empty one."""
        for item in images.items:
            reader.read(item)
        if not reader.count:
            message = f"`images` {RULES[_IMAGES].must}"
            self.problems.add(images.mark, message)


def _no_manifest(root: Node | None) -> UnreadableError:
    """Return what to say where the whole file is not a map."""
    if root is None or (isinstance(root, Scalar) and root.value is None):
        found = "the file is empty"
    else:
        found = (
            "the file holds a list" if isinstance(root, ListNode) else "this is text"
        )
    message = f"{found}: a manifest is a map with `version`, `name` and `images`"
    return UnreadableError(*place(root.mark if root is not None else None), message)


def _check_version(node: Node | None) -> None:
    """Stop at a manifest of another version: its fields may mean something else."""
    if not isinstance(node, Scalar) or type(node.value) is not int:
        return
    if node.value != VERSION:
        message = value_problem("version", "version", node)
        raise UnreadableError(*place(node.mark), message)
