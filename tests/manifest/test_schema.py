from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from batch_register.errors import ManifestError
from batch_register.manifest import (
    json_schema,
    load_manifest,
    parse_manifest,
    rules,
    schema_text,
)
from batch_register.manifest.schema import DEFAULTS_FIELDS, IMAGE_FIELDS
from batch_register.manifest.tree import MERGE_KEY

MANIFESTS = Path(__file__).parents[2] / "manifests"
REGENERATE = (
    'python -c "from batch_register.manifest import schema_text; '
    "print(schema_text(), end='')\" > manifests/manifest.schema.json"
)
SHAPES = json_schema()["$defs"]


def accepted(field: str, value: object) -> bool:
    """Return whether loading takes this value; JSON is YAML."""
    image = {
        "name": "a",
        "image_url": "bkt:a",
        "os_version": "X",
        "min_disk": 40,
        field: value,
    }
    if field in ("bucket", "object"):
        del image["image_url"]
        image = {"bucket": "bkt", "object": "o", **image}
    manifest = {"version": 1, "name": "w", "images": [image]}
    try:
        parse_manifest(json.dumps(manifest, ensure_ascii=False).encode(), path="m.yaml")
    except ManifestError:
        return False
    return True


def allowed(shape: dict[str, object], value: str) -> bool:
    """Return whether the JSON Schema of a piece of text takes this value."""
    pattern = str(shape.get("pattern", ""))
    longest = shape.get("maxLength", len(value))
    assert isinstance(longest, int)
    not_at_end = not value.endswith("\n")  # "$" is the very end in an editor
    return bool(re.search(pattern, value)) and not_at_end and len(value) <= longest


def test_the_schema_beside_the_examples_is_the_one_that_is_generated():
    shipped = (MANIFESTS / "manifest.schema.json").read_text()
    assert shipped == schema_text(), f"regenerate it: {REGENERATE}"
    assert json.loads(shipped) == json_schema()


def fields() -> dict[str, dict[str, Any]]:
    """Return every field, and what is inside it, by its path."""
    found: dict[str, dict[str, Any]] = {}
    for title, shape in {"": json_schema(), **SHAPES}.items():
        for field, about in shape["properties"].items():
            found[f"{title}.{field}"] = about
            for inner in ("propertyNames", "additionalProperties"):
                if inner in about:
                    found[f"{title}.{field}.{inner}"] = about[inner]
    return found


@pytest.mark.parametrize("path", fields())
def test_every_field_is_described_for_the_editor(path):
    about = fields()[path]
    assert about["description"].endswith(".")
    assert about["examples"]


@pytest.mark.parametrize(
    "field", sorted({*IMAGE_FIELDS, "tags key", "labels key"} - {"source_url"})
)
def test_the_examples_that_an_editor_shows_are_taken_by_loading(field):
    name, _, inner = field.partition(" ")
    about = SHAPES["Image"]["properties"][name]
    shape = about["propertyNames"] if inner else about
    for shown in shape["examples"]:
        value = {shown: "a"} if inner else shown
        assert accepted(name, value)


def test_markdown_says_the_rule_beside_the_description():
    about = SHAPES["Image"]["properties"]["min_disk"]
    assert about["markdownDescription"] == (
        f"{about['description']}\n\nIt {rules.RULES['min_disk'].must}."
    )


def test_every_format_is_described():
    about = SHAPES["Image"]["properties"]["disk_format"]
    assert len(about["enumDescriptions"]) == len(about["enum"])
    for word, described in zip(about["enum"], about["enumDescriptions"], strict=True):
        assert described.endswith(".")
        is_web_only = word not in rules.DISK_FORMATS
        assert ("only with source_url" in described) is is_web_only


def test_whatever_stands_beside_a_reference_is_seen():
    """draft-07 ignores every word beside `$ref`."""

    def references(node: object) -> list[dict[str, Any]]:
        if isinstance(node, list):
            return [found for item in node for found in references(item)]
        if not isinstance(node, dict):
            return []
        inside = [found for item in node.values() for found in references(item)]
        return [node, *inside] if "$ref" in node else inside

    found = references(json_schema())
    assert found
    assert all(list(reference) == ["$ref"] for reference in found)


def test_the_schema_has_the_fields_that_loading_knows():
    assert {*SHAPES["Image"]["properties"]} == {*IMAGE_FIELDS}
    assert {*SHAPES["ImageFields"]["properties"]} == {*DEFAULTS_FIELDS}
    assert MERGE_KEY not in IMAGE_FIELDS
    assert {*IMAGE_FIELDS} <= rules.RULES.keys()


def test_the_schema_uses_no_word_that_draft_07_lacks():
    words = set(re.findall(r'"(\w+)": [\[{]', schema_text()))
    newer = {"prefixItems", "dependentRequired", "unevaluatedProperties", "$dynamicRef"}
    assert not words & newer
    assert json_schema()["$schema"] == "http://json-schema.org/draft-07/schema#"


TEXT_FIELDS = ("name", "key", "image_url", "bucket", "object", "os_version")
AWKWARD = st.text(
    st.sampled_from("aZ09._- :/=ü服\t\n\x00\x1b\u00a0\u200b\u202e\ufeff😀"), max_size=8
)


@pytest.mark.parametrize("field", TEXT_FIELDS)
@given(data=st.data())
def test_loading_and_the_schema_agree_on_text(field, data):
    """One source of truth: the pattern that an editor has is the one that counts."""
    value = data.draw(
        AWKWARD
        | st.text(max_size=300)
        | st.from_regex(SHAPES["Image"]["properties"][field]["pattern"])
    )
    shape = SHAPES["Image"]["properties"][field]
    assert accepted(field, value) is allowed(shape, value)


@given(AWKWARD, AWKWARD)
@example("br-x", "y")
@example("token", "y")
@example("k" * 36, "v" * 43)
@example("k" * 37, "v")
@example("k", "v" * 44)
def test_loading_and_the_schema_agree_on_tags_and_labels(key, value):
    for field in ("tags", "labels"):
        shape = SHAPES["Image"]["properties"][field]
        names = shape["propertyNames"]
        is_allowed = (
            allowed(names, key)
            and key not in names["not"]["enum"]
            and allowed(shape["additionalProperties"], value)
        )
        assert accepted(field, {key: value}) is is_allowed


@given(st.sampled_from(("min_disk", "min_ram", "priority", "size_bytes")), st.data())
def test_loading_and_the_schema_agree_on_numbers(field, data):
    shape = SHAPES["Image"]["properties"][field]
    edges = st.sampled_from([shape["minimum"], shape["maximum"]])
    number = data.draw(
        st.integers() | st.builds(int.__add__, edges, st.integers(-1, 1))
    )
    assert accepted(field, number) is (shape["minimum"] <= number <= shape["maximum"])


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("example.yaml", 4),
        ("rehearsal.yaml", 30),
        ("rehearsal-faults.yaml", 12),
    ],
)
def test_the_manifests_that_ship_are_valid(name, count):
    path = MANIFESTS / name
    first, *_ = path.read_text().splitlines()
    assert first == "# yaml-language-server: $schema=./manifest.schema.json"
    specs = load_manifest(path).images
    assert len(specs) == count
    for spec in specs:
        assert spec.min_disk_gb >= 40  # legal on every cloud of the family
        assert (spec.size_bytes or 0) <= spec.min_disk_gb * 2**30


def test_the_manifest_for_plain_openstack_is_valid_and_all_from_the_web():
    specs = load_manifest(MANIFESTS / "openstack.yaml").images
    assert [spec.is_from_web for spec in specs] == [True, True]


def test_the_example_shows_every_field():
    text = (MANIFESTS / "example.yaml").read_text()
    missing = [f for f in IMAGE_FIELDS if not re.search(rf"\b{f}:", text)]
    assert missing == []
