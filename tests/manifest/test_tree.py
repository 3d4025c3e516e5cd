from __future__ import annotations

import pytest

from batch_register.manifest.events import open_native, open_pure
from batch_register.manifest.problems import Problems, UnreadableError
from batch_register.manifest.tree import ListNode, MapNode, Node, Scalar, TreeBuilder


def values(node: Node | None) -> object:
    """Return a tree as plain values."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, ListNode):
        return [values(item) for item in node.items]
    if isinstance(node, MapNode):
        assert node.fields.keys() == node.key_marks.keys()
        return {key: values(value) for key, value in node.fields.items()}
    return None


@pytest.fixture(params=[open_native, open_pure], ids=["libyaml", "python"])
def build(request):
    """Return a builder that gives values, streamed values and problems."""

    def build(text: str) -> tuple[object, list[object], list[str]]:
        problems, items = Problems(), []
        builder = TreeBuilder(
            request.param(text.encode()),
            problems,
            streamed="images",
            sink=lambda _, item: items.append(values(item)),
            max_nodes=150,
        )
        root = builder.document()
        found = problems.error("m").problems
        return values(root), items, [f"{p.line}:{p.column} {p.message}" for p in found]

    return build


NOTHING: list[object] = []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("# nothing", None),
        ("~", None),
        ("- 1", NOTHING),
        ("word", "word"),
        ("{a: 1, b: [x, 2.5, ~, 'no', yes, \"7\"]}", {"a": 1, "b": ["x", 2.5, None, "no", "yes", "7"]}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("a:\nb: ''", {"a": None, "b": ""}),
        ("a: &x 1\nb: *x", {"a": 1, "b": 1}),
        ("a: &x [1]\nb: &x [2]\nc: *x", {"a": [1], "b": [2], "c": [2]}),
        ("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3, r: 4}", {"a": {"p": 1, "q": 2}, "b": {"q": 3, "r": 4, "p": 1}}),
        ("a: &x {p: 1}\nb: &y {p: 2, q: 2}\nc: {<<: [*x, *y]}", {"a": {"p": 1}, "b": {"p": 2, "q": 2}, "c": {"p": 1, "q": 2}}),
        ("a: {'<<': 1}", {"a": {"<<": 1}}),
        ("a: {<<: {p: 1}}", {"a": {"p": 1}}),
        ("&k a: 1\nb: *k", {"a": 1, "b": "a"}),
        ("%YAML 1.2\n---\na: 1\n...\n", {"a": 1}),
        ("'1': a\n\"true\": b", {"1": "a", "true": "b"}),
        ("<<: {a: 1}\nb: 2", {"b": 2, "a": 1}),
    ],
)  # fmt: skip
def test_a_document_becomes_its_values(build, text, expected):
    assert build(text) == (expected, [], [])


def test_the_images_go_out_one_by_one(build):
    text = "d: 1\nimages:\n- a\n- {b: 1}\n- [c]\ne: 2"
    expected = ({"d": 1, "images": NOTHING, "e": 2}, ["a", {"b": 1}, ["c"]], NOTHING)
    assert build(text) == expected


@pytest.mark.parametrize(
    "text", ["x: &l [a]\nimages: *l", "images: &l [a]\nx: *l", "x: {images: [a]}"]
)
def test_a_list_that_is_needed_again_is_kept(build, text):
    _, items, problems = build(text)
    assert (items, problems) == ([], [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3", ["3:1 duplicate key `a`: line 1 has it too; remove one"]),
        ("a: {b: 1, 'b': 2}", ["1:11 duplicate key `b`: line 1 has it too; remove one"]),
        ("1: a", ['1:1 a key must be text, and 1 is not: write "1"']),
        ("x: {true: a}", ['1:5 a key must be text, and true is not: write "true"']),
        ("? \n: a", ["1:2 a key is missing before the ':'"]),
        ("'': a", ["1:1 a key is missing before the ':'"]),
        ("? [a]\n: b", ["1:3 a key must be text, not a list or a map"]),
        ("? {a: b}\n: b", ["1:3 a key must be text, not a list or a map"]),
        ("a: !!python/name:os.system x", ["1:4 the tag !!python/name:os.system is not used in a manifest: remove it"]),
        ("a: !!binary aGk=", ["1:4 the tag !!binary is not used in a manifest: remove it"]),
        ("a: !foo [1]", ["1:4 the tag !foo is not used in a manifest: remove it"]),
        ("a: ! x", ["1:4 the tag ! is not used in a manifest: remove it"]),
        ("!!map {a: 1}", ["1:1 the tag !!map is not used in a manifest: remove it"]),
        ("!!str a: 1\na: 2", ["1:1 the tag !!str is not used in a manifest: remove it", "2:1 duplicate key `a`: line 1 has it too; remove one"]),
        ("a: {<<: 1}", ["1:9 `<<` takes a map or a list of maps, such as `<<: *base`"]),
        ("a: {<<: [{b: 1}, x]}", ["1:9 `<<` takes a map or a list of maps, such as `<<: *base`"]),
        ("a: {<<: {b: 1}, <<: {c: 1}}", ["1:17 a second `<<` in one map: merge a list, `<<: [*a, *b]`"]),
    ],
)  # fmt: skip
def test_what_a_manifest_does_not_use_is_noted_and_reading_goes_on(
    build, text, expected
):
    assert build(text)[2] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: *x", "1:4 the alias *x has no anchor &x above it: write `&x` in front of the value that is meant, or put this one in quotes if it is text"),
        ("a: &x [*x]", "1:8 the alias *x stands inside its own anchor"),
        ("a: &x {b: {c: *x}}", "1:15 the alias *x stands inside its own anchor"),
        ("*x", "1:1 the alias *x has no anchor &x above it: write `&x` in front of the value that is meant, or put this one in quotes if it is text"),
        ("a: 1\n---\nb: 2", "2:1 a second document begins here: a manifest is one document"),
        ("{a: " * 51 + "1" + "}" * 51, "1:201 lists and maps are nested deeper than 50 levels"),
    ],
)  # fmt: skip
def test_reading_stops_where_it_makes_no_sense_to_go_on(build, text, expected):
    with pytest.raises(UnreadableError) as caught:
        build(text)
    problem = caught.value.problem
    assert f"{problem.line}:{problem.column} {problem.message}" == expected


def test_fifty_levels_are_allowed(build):
    assert build("a: " + "[" * 49 + "]" * 49)[2] == []


@pytest.mark.fault(29)
@pytest.mark.parametrize(
    "text",
    [
        "a: [" + "1," * 200 + "]",
        "a: {" + "".join(f"k{n}: 1, " for n in range(200)) + "}",
        "images: [" + "1," * 200 + "]",
        "a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]",
        "a: &a {b: 1, c: 1}\nd:\n" + "- {<<: *a}\n" * 60,
    ],
    ids=["list", "map", "images", "aliases", "merges"],
)
def test_values_are_bounded_with_every_alias_counted_as_a_copy(build, text):
    with pytest.raises(UnreadableError, match="more than 150 values"):
        build(text)
