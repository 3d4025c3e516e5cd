"""Events to a tree of nodes that know their place; the images go out one by one.

Decides: YAML's meaning (core schema, anchors, merge keys) and its bounds. Aliases stay
shared nodes and are counted as if they were copies, so that a bomb meets the bound
before it costs anything. Must not know: which fields a manifest has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from batch_register.manifest.events import MAX_DEPTH, TOO_DEEP, EventSource
from batch_register.manifest.problems import (
    Mark,
    Problems,
    UnreadableError,
    place,
    shown,
)
from batch_register.manifest.scalars import SUSPECT_FIRST, Value, resolve

MAX_NODES: Final = 5_000_000  # with every alias counted as a copy
MERGE_KEY: Final = "<<"


@dataclass(slots=True)
class Scalar:
    """One value; `text` is what the file says, `value` what it means."""

    value: Value
    text: str
    mark: Mark | None


@dataclass(slots=True)
class ListNode:
    """A list of nodes."""

    items: list[Node]
    mark: Mark | None


@dataclass(slots=True)
class MapNode:
    """A map of nodes, merge keys resolved, with the place of every key."""

    fields: dict[str, Node]
    key_marks: dict[str, Mark | None]
    mark: Mark | None


Node = Scalar | ListNode | MapNode
ItemSink = Callable[[MapNode, Node], None]


class TreeBuilder:
    """Builds one document.

    Items of the top-level list `streamed` are handed to `sink`, with the top-level map
    as far as it is read, and then forgotten: 100,000 images never stand in memory.
    """

    def __init__(
        self,
        source: EventSource,
        problems: Problems,
        *,
        streamed: str,
        sink: ItemSink,
        max_nodes: int,
    ) -> None:
        self._next = source
        self._problems = problems
        self._streamed = streamed
        self._sink = sink
        self._max_nodes = max_nodes
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._open_anchors: set[str] = set()
        self._known_keys: dict[str, str] = {}
        self._nodes = 0

    def document(self) -> Node | None:
        """Return the only document's root, or None for an empty stream.

        A root that is no map is returned without what it holds.


        Raises:
            UnreadableError: a bound is passed, or there is a second document.
            yaml.YAMLError: the syntax is wrong.
        """
        self._next()  # the stream's start
        if not isinstance(self._next(), DocumentStartEvent):
            return None
        event = self._next()
        if type(event) is SequenceStartEvent:
            return ListNode([], event.start_mark)  # no need to read all of it
        root = self._node(event, 0)
        self._next()  # the document's end
        event = self._next()
        if not isinstance(event, StreamEndEvent):
            message = "a second document begins here: a manifest is one document"
            raise UnreadableError(*place(event.start_mark), message)
        return root

    def _node(self, event: Event, depth: int) -> Node:
        """Return the node that begins with this event."""
        if type(event) is ScalarEvent:
            text = event.value
            value: Value = text
            is_plain, is_quoted = event.implicit
            if is_plain and (not text or text[0] in SUSPECT_FIRST):
                value = resolve(text)
            node = Scalar(value, text, event.start_mark)
            self._nodes += 1
            if not (is_plain or is_quoted) or event.anchor or event.tag:
                self._odd_scalar(event, node)
            return node
        return self._collection(event, depth)

    def _odd_scalar(self, event: ScalarEvent, node: Scalar) -> None:
        """Look after a scalar with an anchor or a tag."""
        if event.tag is not None:
            self._refuse_tag(event, event.tag)
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, 1)

    def _collection(self, event: Event, depth: int) -> Node:
        """Return the list, map or alias that begins with this event."""
        if not isinstance(event, CollectionStartEvent):
            return self._alias(event)
        before = self._open(event, depth)
        node: Node
        if isinstance(event, MappingStartEvent):
            node = MapNode({}, {}, event.start_mark)
            self._fill_map(node, depth)
        else:
            node = ListNode([], event.start_mark)
            self._fill_list(node, depth)
        self._close(event, node, before)
        return node

    def _fill_list(self, node: ListNode, depth: int) -> None:
        next_event, items = self._next, node.items
        while type(event := next_event()) is not SequenceEndEvent:
            items.append(self._node(event, depth + 1))
            self._check_bound(event)

    def _fill_map(self, node: MapNode, depth: int) -> None:
        next_event, known_keys = self._next, self._known_keys
        fields, key_marks = node.fields, node.key_marks
        merges: list[Node] = []
        while type(event := next_event()) is not MappingEndEvent:
            key = None
            if type(event) is ScalarEvent and event.anchor is event.tag is None:
                key = known_keys.get(event.value)
            if key is None:
                key = self._new_key(event, depth)
            value = self._value(key, next_event(), node, depth)
            if key in fields or key == MERGE_KEY or not key:
                self._put_odd(node, merges, key, event, value)
            else:
                fields[key] = value
                key_marks[key] = event.start_mark
        self._check_bound(event)
        for merged in merges:
            self._merge(node, merged)

    def _value(self, key: str, event: Event, node: MapNode, depth: int) -> Node:
        """Return a field's value; the top level's long list goes out item by item."""
        if depth or key != self._streamed or type(event) is not SequenceStartEvent:
            return self._node(event, depth + 1)
        if event.anchor is not None:  # an alias may ask for all of it
            return self._node(event, depth + 1)
        self._open(event, 1)
        while type(item := self._next()) is not SequenceEndEvent:
            self._sink(node, self._node(item, 2))
            self._check_bound(item)
        return ListNode([], event.start_mark)

    def _new_key(self, event: Event, depth: int) -> str:
        """Check a key that was not met before; return "" where it is none."""
        node = self._node(event, depth + 1)
        if not isinstance(node, Scalar):
            message = "a key must be text, not a list or a map"
            self._problems.add(event.start_mark, message)
            return ""
        if not node.text:
            self._problems.add(event.start_mark, "a key is missing before the ':'")
        elif not isinstance(node.value, str):
            text = shown(node.text)
            message = f'a key must be text, and {text} is not: write "{text}"'
            self._problems.add(event.start_mark, message)
            return ""
        if resolve(node.text) == node.text != MERGE_KEY:  # text, quoted or not
            self._known_keys[node.text] = node.text
        return node.text

    def _put_odd(
        self,
        node: MapNode,
        merges: list[Node],
        key: str,
        event: Event,
        value: Node,
    ) -> None:
        """Remember a merge, or note a duplicate; the first of two equals stays."""
        if not key:
            return  # noted already
        is_plain = isinstance(event, ScalarEvent) and event.implicit[0]
        is_merge = key == MERGE_KEY and is_plain
        if is_merge and not merges:
            merges.append(value)
        elif is_merge:
            message = "a second `<<` in one map: merge a list, `<<: [*a, *b]`"
            self._problems.add(event.start_mark, message)
        elif key not in node.fields:  # "<<" in quotes
            node.fields[key] = value
            node.key_marks[key] = event.start_mark
        else:
            first, _ = place(node.key_marks[key])
            message = (
                f"duplicate key `{shown(key)}`: line {first} has it too; remove one"
            )
            self._problems.add(event.start_mark, message)

    def _merge(self, node: MapNode, merged: Node) -> None:
        """Copy in the fields that are not set yet; of several maps the first wins."""
        sources = merged.items if isinstance(merged, ListNode) else [merged]
        for source in sources:
            if not isinstance(source, MapNode):
                message = "`<<` takes a map or a list of maps, such as `<<: *base`"
                self._problems.add(merged.mark, message)
                return
            for key, value in source.fields.items():
                if key not in node.fields:
                    node.fields[key] = value
                    node.key_marks[key] = source.key_marks[key]

    def _alias(self, event: Event) -> Node:
        """Return the anchored node itself; its size counts as if it were copied."""
        assert isinstance(event, AliasEvent)  # noqa: S101 - the grammar's last case
        name = event.anchor or ""
        if name in self._open_anchors:
            message = f"the alias *{shown(name)} stands inside its own anchor"
            raise UnreadableError(*place(event.start_mark), message)
        if name not in self._anchors:
            message = (
                f"the alias *{shown(name)} has no anchor &{shown(name)} above it: "
                f"write `&{shown(name)}` in front of the value that is meant, or put "
                "this one in quotes if it is text"
            )
            raise UnreadableError(*place(event.start_mark), message)
        node, size = self._anchors[name]
        self._nodes += size
        self._check_bound(event)
        if isinstance(node, Scalar):
            return Scalar(node.value, node.text, event.start_mark)
        return node

    def _open(self, start: CollectionStartEvent, depth: int) -> int:
        """Begin a list or map; return the count of nodes before it."""
        if depth >= MAX_DEPTH:
            raise UnreadableError(*place(start.start_mark), TOO_DEEP)
        before = self._nodes
        self._nodes += 1
        if start.tag is not None:
            self._refuse_tag(start, start.tag)
        if start.anchor is not None:
            self._open_anchors.add(start.anchor)
        return before

    def _close(self, start: CollectionStartEvent, node: Node, before: int) -> None:
        """End a list or map; from here on its anchor can be used."""
        if start.anchor is not None:
            self._open_anchors.discard(start.anchor)
            self._anchors[start.anchor] = (node, self._nodes - before)

    def _check_bound(self, event: Event) -> None:
        if self._nodes > self._max_nodes:
            message = (
                f"the file holds more than {self._max_nodes:,} values, aliases counted as "
                "copies: split the batch, or use fewer aliases"
            )
            raise UnreadableError(*place(event.start_mark), message)

    def _refuse_tag(self, event: NodeEvent, tag: str | None) -> None:
        text = shown((tag or "!").replace("tag:yaml.org,2002:", "!!"))
        message = f"the tag {text} is not used in a manifest: remove it"
        self._problems.add(event.start_mark, message)
