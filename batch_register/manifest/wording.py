"""From what pydantic found to a place in the file and a plain sentence.

Decides: the words. Must not know: the rules themselves (`rules`), how YAML is read.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from pydantic_core import ErrorDetails, ValidationError

from batch_register.manifest.known_mistakes import known_mistake
from batch_register.manifest.problems import Mark, shown
from batch_register.manifest.rules import (
    DISK_FORMATS,
    NEVER_HELD,
    RULES,
    VERSION,
    WEB_DISK_FORMATS,
    Kind,
    is_credential,
    is_never_held,
)
from batch_register.manifest.scalars import resolve
from batch_register.manifest.tree import ListNode, MapNode, Node, Scalar


class Scope(StrEnum):
    """Which part of the file a field stands in, in the words of a message."""

    HEAD = "the manifest"
    DEFAULTS = "the defaults"
    IMAGE = "an image"


# What people write when they mean one of our fields, where spelling alone does not tell.
_OTHER_NAMES = {
    "bucket_name": "bucket",
    "disk": "min_disk",
    "disk_size": "min_disk",
    "file": "object",
    "format": "disk_format",
    "id": "key",
    "image": "name",
    "image_name": "name",
    "memory": "min_ram",
    "object_key": "object",
    "os": "os_version",
    "path": "object",
    "ram": "min_ram",
    "size": "size_bytes",
    "url": "image_url",
}
_EXAMPLES = {"tags": '{wave: "07"}', "labels": "{owner: team-db}"}
_LINES = {
    "name": "name: web-01",
    "os_version": "os_version: Ubuntu 22.04 server 64bit",
    "min_disk": "min_disk: 40",
    "disk_format": "disk_format: qcow2",
}
# What YAML 1.1 took for a switch, and the core schema of 1.2 does not.
_SWITCHES = {
    **dict.fromkeys(("yes", "on", "y", "true"), "true"),
    **dict.fromkeys(("no", "off", "n", "false"), "false"),
}
_SURE = 0.85  # so near that it comes before what another word usually means


def findings(
    error: ValidationError,
    scope: Scope,
    maps: Sequence[MapNode],
    known: Sequence[str],
) -> Iterator[tuple[Mark | None, str]]:
    """Yield place and sentence of what pydantic found.

    A field that is missing because its name is misspelt counts once: as the latter.
    """
    details = error.errors(include_url=False, include_input=False)
    unknown = [str(found["loc"][0]) for found in details if len(found["loc"]) == 1]
    meant = meant_fields(unknown, known)
    for found in details:
        if found["type"] != "missing" or found["loc"][0] not in meant:
            yield _worded(found, scope, maps, known)


def meant_fields(fields: Iterable[str], known: Sequence[str]) -> frozenset[str]:
    """Return the known fields that unknown ones among these most likely stand for."""
    strange = [field for field in fields if field not in known]
    return frozenset(meant for field in strange if (meant := _meant(field, known)))


def _worded(
    error: ErrorDetails, scope: Scope, maps: Sequence[MapNode], known: Sequence[str]
) -> tuple[Mark | None, str]:
    """Return place and sentence for one of pydantic's findings.

    `maps` are where the value came from, the one that wins first; `known` the fields
    that this scope has.
    """
    field, *rest = (str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return _key_mark(maps, [field]), unknown_field(field, scope, known)
    if error["type"] == "missing":
        return maps[0].mark, missing_field(field, scope)
    if not rest:
        rule = "manifest name" if scope is Scope.HEAD and field == "name" else field
        node = _find(maps, [field])
        return _mark(node), value_problem(field, rule, node)
    inner = rest[0]
    label = f"{field}.{shown(inner)}"
    if is_credential(inner):  # whatever is wrong with it, its value is not shown
        return _key_mark(maps, [field, inner]), f"`{label}`: {NEVER_HELD}"
    if rest[-1] == "[key]" and len(rest) > 1:
        must = RULES[f"{field} key"].must
        return _key_mark(maps, [field, inner]), f"the key of `{label}` {must}"
    node = _find(maps, [field, inner])
    return _mark(node), value_problem(label, f"{field} value", node)


def missing_field(field: str, scope: Scope) -> str:
    """Return the sentence for a field that must be there."""
    if scope is Scope.HEAD:
        example = "1" if field == "version" else "wave-07"
        return f"`{field}` is missing: write `{field}: {example}` at the top"
    where = "" if field == "name" else ", its own or from `defaults`"
    example = _LINES[field]
    return f"`{field}` is missing: every image needs one{where}, such as `{example}`"


def unknown_field(field: str, scope: Scope, known: Sequence[str]) -> str:
    """Return the sentence for a field that does not exist here."""
    name = shown(field)
    if is_never_held(field):
        return f"`{name}` does not belong here: {NEVER_HELD}"
    if scope is Scope.DEFAULTS and field in ("key", "name", "source"):
        return f"`{name}` cannot be a default: every image has its own"
    meant = _meant(field, known)
    advice = f"did you mean `{meant}`?" if meant else "remove it"
    return f"`{name}` is not a field of {scope}: {advice}"


def _meant(field: str, known: Sequence[str]) -> str:
    """Return the known field that somebody most likely meant, or nothing."""
    plain = field[:40].strip().lower().replace("-", "_").replace(" ", "_")
    other = _OTHER_NAMES.get(plain, plain)
    close = difflib.get_close_matches(plain, known, n=1, cutoff=_SURE)
    if not close and other in known:
        return other
    close = close or difflib.get_close_matches(plain, known, n=1)
    return close[0] if close else ""


def value_problem(label: str, rule_name: str, node: Node | None) -> str:
    """Return the sentence for a value that breaks its rule."""
    rule = RULES[rule_name]
    if isinstance(node, Scalar) and node.value is None:
        return f"`{label}` is empty: give it a value, or remove the line"
    if _kind(node) is not rule.kind or not isinstance(node, Scalar):
        return _wrong_kind(label, rule_name, rule.kind, node)
    if rule_name == "version":
        return (
            f"this manifest is of version {shown(node.text)}, and this program reads "
            f"version {VERSION}: install a newer program, or correct the number"
        )
    value = f'"{shown(node.text)}"' if rule.kind is Kind.TEXT else shown(node.text)
    if hint := known_mistake(rule_name, node.text):
        return f"`{label}` {value} {hint}"
    return f"`{label}` {rule.must}, not {value}{_meant_format(rule_name, node.text)}"


def _meant_format(rule_name: str, text: str) -> str:
    """Return the end of a sentence: the format that somebody most likely meant."""
    formats = dict.fromkeys((*DISK_FORMATS, *WEB_DISK_FORMATS))
    plain = text[:40].lower().removeprefix(".")
    close = difflib.get_close_matches(plain, formats, n=1)
    known = close if rule_name == "disk_format" else []
    return f': did you mean "{known[0]}"?' if known else ""


def _wrong_kind(label: str, rule_name: str, kind: Kind, node: Node | None) -> str:
    """Return the sentence for a list where text belongs, and the like."""
    if not isinstance(node, Scalar):
        return _wrong_shape(label, rule_name, kind, node)
    text = shown(node.text)
    found = _kind(node)
    if kind is Kind.TEXT:
        field = label.rpartition(".")[2]
        what = "a number" if found is not Kind.SWITCH else "a switch"
        return (
            f"`{label}` must be text, but {text} is {what} in YAML: "
            f'put it in quotes, {field}: "{text}"'
        )
    if kind is Kind.NUMBER and isinstance(node.value, str):
        is_digits = isinstance(resolve(node.text), int)
        advice = (
            "remove the quotes" if is_digits else "write digits only, without a unit"
        )
        return f'`{label}` must be a whole number, but "{text}" is text: {advice}'
    if kind is Kind.SWITCH:
        switch = _SWITCHES.get(node.text.lower())
        advice = f": write {switch}, without quotes" if switch else ""
        return f"`{label}` must be true or false, not {text}{advice}"
    example = _EXAMPLES.get(rule_name)
    such = f" such as {example}" if example else ""
    return f"`{label}` must be {kind}{such}, not {text}"


def _wrong_shape(
    label: str, rule_name: str, kind: Kind, node: ListNode | MapNode | None
) -> str:
    """Return the sentence for a list or map that something else stands for."""
    if not isinstance(node, MapNode):
        return f"`{label}` must be {kind}, not a list"
    if kind is Kind.MAP:
        return f"`{label}` {RULES[rule_name].must}"
    sentence = f"`{label}` must be {kind}, not a map"
    if rule_name != "images":
        return sentence
    name = shown(next(iter(node.fields), "web-01"))
    return f"{sentence}: begin each image with a '-' and its name, `- name: {name}`"


def _kind(node: Node | None) -> Kind | None:
    """Return what a node holds; None for what no field takes."""
    if isinstance(node, Scalar):
        by_type = {str: Kind.TEXT, int: Kind.NUMBER, bool: Kind.SWITCH}
        return by_type.get(type(node.value))
    return Kind.MAP if isinstance(node, MapNode) else Kind.LIST


def _find(maps: Sequence[MapNode], path: Sequence[str]) -> Node | None:
    """Return the node at a path, from the first map that has it."""
    found = (holder.fields.get(path[-1]) for holder in _holders(maps, path))
    return next((node for node in found if node is not None), None)


def _key_mark(maps: Sequence[MapNode], path: Sequence[str]) -> Mark | None:
    """Return the place of the key at a path, from the first map that has it."""
    found = (holder.key_marks.get(path[-1]) for holder in _holders(maps, path))
    return next((mark for mark in found if mark is not None), None)


def _holders(maps: Sequence[MapNode], path: Sequence[str]) -> Iterator[MapNode]:
    """Return the maps that may hold the last part of a path."""
    for fields in maps:
        holder = fields if len(path) == 1 else fields.fields.get(path[0])
        if isinstance(holder, MapNode):
            yield holder


def _mark(node: Node | None) -> Mark | None:
    return node.mark if node is not None else None
