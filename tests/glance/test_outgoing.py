"""What Glance is sent, to the byte, and which id an image has."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from batch_register.glance.outgoing import (
    create_body,
    import_body,
    list_query,
    numbered_id,
)
from batch_register.model import ImageId, ImageQuery, identity_tags
from tests.glance.scripted import SPEC, TAGS
from tests.ims.scripted import PROJECT

ID = ImageId("4f6c2a10-0b7e-4a53-9a51-8d2f0c1e7b11")


def test_the_least_is_sent_with_our_tags():
    assert json.loads(create_body(SPEC, TAGS, ID)) == {
        "id": ID,
        "name": "web-01",
        "disk_format": "qcow2",
        "container_format": "bare",
        "min_disk": 0,
        "min_ram": 0,
        "visibility": "private",
        "protected": False,
        "tags": [f"{key}={value}" for key, value in TAGS],
    }


def test_all_that_a_spec_says_is_sent():
    spec = replace(
        SPEC,
        os_version="Debian 12",
        min_disk_gb=40,
        min_ram_mb=512,
        protected=True,
        tags=(("wave", "07"),),
    )
    body = json.loads(create_body(spec, TAGS, None))
    assert "id" not in body
    assert (body["min_disk"], body["min_ram"], body["protected"]) == (40, 512, True)
    assert body["os_version"] == "Debian 12"
    assert body["tags"][-1] == "wave=07"


def test_no_tag_of_a_spec_wins_over_ours():
    spec = replace(SPEC, tags=(("br-entry", "forged"),))
    body = json.loads(create_body(spec, TAGS, ID))
    assert body["tags"] == [f"{key}={value}" for key, value in TAGS]


def test_the_file_is_fetched_from_its_address():
    assert json.loads(import_body(SPEC)) == {
        "method": {"name": "web-download", "uri": SPEC.image_url}
    }


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (ImageQuery(), ""),
        (ImageQuery(tag=("br-entry", "a b")), "&tag=br-entry%3Da%20b"),
        (ImageQuery(image_id=ID), f"&id={ID}"),
        (ImageQuery(name="a&b"), "&name=a%26b"),
        (
            ImageQuery(created_since="2026-09-01T01:00:00Z"),
            "&created_at=gte%3A2026-09-01T01%3A00%3A00Z",
        ),
    ],
)
def test_a_list_is_of_our_project_and_filtered(query, text):
    assert list_query(query, PROJECT, None) == f"owner={PROJECT}&limit=500{text}"


def test_the_next_page_begins_behind_its_marker():
    assert list_query(ImageQuery(), PROJECT, "m").endswith("&limit=500&marker=m")


def test_an_id_stays_the_same_for_ever():
    """Another recipe would lose the images of creates that are under way."""
    tags = (("br-manifest", "w"), ("br-entry", "e"), ("br-spec", "s"))
    assert numbered_id("p", tags, 0) == "e6c1d95d-51bd-5779-80ab-66335eaff271"


@given(st.lists(st.tuples(*[st.text(max_size=5)] * 3, st.integers(0, 99)), unique=True))
def test_whatever_differs_gives_another_id_that_is_a_uuid(parts):
    plain = [
        (project, entry, spec, number)
        for project, entry, spec, number in parts
        if "\0" not in project + entry + spec
    ]
    ids = [
        numbered_id(project, (("br-entry", entry), ("br-spec", spec)), number)
        for project, entry, spec, number in plain
    ]
    assert len(set(ids)) == len(plain)
    assert all(str(uuid.UUID(each)) == each for each in ids)


def test_another_spec_of_an_entry_has_another_id():
    other = replace(SPEC, min_disk_gb=41)
    mine, theirs = (identity_tags("w", spec) for spec in (SPEC, other))
    assert numbered_id("p", mine, 0) != numbered_id("p", theirs, 0)
