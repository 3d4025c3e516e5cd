from __future__ import annotations

import json
from typing import Any

import yaml
from hypothesis import given, strategies as st

from batch_register.errors import ManifestError
from batch_register.manifest import parse_manifest, render_problems
from batch_register.manifest.rules import DISK_FORMATS
from batch_register.model import EntryKey, ImageSpec

WORD = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
NAME = st.from_regex(
    r"[A-Za-z0-9._-]([A-Za-z0-9._ -]{0,20}[A-Za-z0-9._-])?", fullmatch=True
)
TAG = WORD.filter(
    lambda key: not key.startswith("br-") and key.lower() not in {"ak", "sk"}
)
SPECS: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.builds(
        dict,
        name=NAME,
        image_url=st.from_regex(r"[a-z0-9]{3,63}:[!-9;-~]{1,30}", fullmatch=True).filter(
            lambda url: ":/" not in url
        ),
        os_version=NAME,
        min_disk=st.integers(1, 1024),
        min_ram=st.integers(0, 65536),
        disk_format=st.sampled_from(DISK_FORMATS),
        protected=st.booleans(),
        tags=st.dictionaries(TAG, WORD, max_size=7),
        labels=st.dictionaries(TAG, NAME, max_size=4),
        priority=st.integers(-5, 5),
        size_bytes=st.integers(1, 2**40),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda image: image["name"],
)  # fmt: skip


class QuotingDumper(yaml.SafeDumper):
    """Writes YAML 1.1, so that text which only 1.2 takes for a number needs quotes."""


QuotingDumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style='"'
    ),
)


@given(SPECS, st.booleans(), st.sampled_from(["yaml", "flow", "json"]))
def test_what_is_written_is_read_back(images, keyed, form):
    if keyed:
        images = [{**image, "key": f"k{n}"} for n, image in enumerate(images)]
    content = {"version": 1, "name": "w", "images": images}
    if form == "json":
        text = json.dumps(content)
    else:
        text = yaml.dump(
            content, Dumper=QuotingDumper, default_flow_style=form == "flow"
        )
    expected = [
        ImageSpec(
            key=EntryKey(image.get("key", image["name"])),
            name=image["name"],
            image_url=image["image_url"],
            os_version=image["os_version"],
            min_disk_gb=image["min_disk"],
            min_ram_mb=image["min_ram"],
            disk_format=image["disk_format"],
            protected=image["protected"],
            tags=tuple(sorted(image["tags"].items())),
            labels=tuple(sorted(image["labels"].items())),
            priority=image["priority"],
            size_bytes=image["size_bytes"],
        )
        for image in images
    ]
    found = [
        ImageSpec(
            **{
                **{f: getattr(spec, f) for f in ImageSpec.__slots__},
                "tags": tuple(sorted(spec.tags)),
                "labels": tuple(sorted(spec.labels)),
                "line": 0,
            }
        )
        for spec in parse_manifest(text.encode(), path="m.yaml").images
    ]
    assert found == expected


PIECES = st.sampled_from(
    ["version", "name", "images", "defaults", "tags", ": ", ":", "\n", "\n  ", "- ", "1",
     "[", "]", "{", "}", ", ", "&a ", "*a", "<<: ", "'", '"', "|\n", ">", "? ", "!x ",
     "!!str ", "---\n", "...\n", "%YAML 1.2\n", "# c", "\t", "~", "true", "0x1", "\\u0000",
     "é", "服", "\x00", "\ufeff", "\u2028"]
)  # fmt: skip


def refusal(data: bytes) -> ManifestError | None:
    """Return why the bytes are no manifest, or None where they are one."""
    try:
        parse_manifest(data, path="m.yaml")
    except ManifestError as error:
        return error
    return None


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(str.encode)
    | st.lists(PIECES, max_size=60).map(lambda pieces: "".join(pieces).encode())
    | st.lists(PIECES, max_size=40).map(
        lambda pieces: ("version: 1\nname: w\nimages:\n- " + "".join(pieces)).encode()
    )
)
def test_nothing_but_a_manifest_error_comes_out(data):
    found = refusal(data)
    if found is None:
        return
    assert found.problems
    for problem in found.problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.message.isprintable()
    text = render_problems(found, data.decode(errors="replace"))
    assert text.replace("\n", "").isprintable()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["name", "key", "image_url", "bucket", "object", "os_version", "min_disk", "tags",
     "labels", "protected", "priority", "size_bytes", "disk_format", "source", "x"]
)  # fmt: skip


@given(
    st.dictionaries(st.sampled_from(["version", "name", "defaults", "images", "x"]), VALUES),
    VALUES | st.dictionaries(FIELDS, VALUES),
    st.lists(st.dictionaries(FIELDS, VALUES), max_size=3),
)  # fmt: skip
def test_no_shape_of_content_escapes_as_another_error(top, defaults, images):
    content = {"version": 1, "name": "w", "defaults": defaults, "images": images, **top}
    text = yaml.safe_dump(content, allow_unicode=True)
    found = refusal(text.encode(errors="surrogatepass"))
    assert found is None or found.problems
