"""Bodies, queries and addresses are what the provider documents, to the byte."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from batch_register.ims.outgoing import (
    base_url,
    create_body,
    job_path,
    list_query,
    register_body,
)
from batch_register.ims.profile import JobCall
from batch_register.model import ImageId, ImageQuery, JobId
from tests.ims.scripted import PROJECT, SPEC


def test_create_sends_the_nine_documented_properties_and_no_others():
    spec = replace(
        SPEC,
        min_ram_mb=4096,
        disk_format="qcow2",
        protected=True,
        tags=(("wave", "07"), ("empty", "")),
        labels=(("owner", "nobody"),),
    )
    assert json.loads(create_body(spec, (("br-entry", "abc"),))) == {
        "name": "web-01",
        "__os_version": "Ubuntu 22.04 server 64bit",
        "min_disk": 40,
        "min_ram": 4096,
        "container_format": "bare",
        "visibility": "private",
        "protected": True,
        "tags": ["br-entry=abc", "wave=07", "empty="],
        "disk_format": "qcow2",
    }


def test_create_leaves_the_disk_format_to_the_service_where_none_is_asked_for():
    assert create_body(SPEC, ()) == (
        b'{"name":"web-01","__os_version":"Ubuntu 22.04 server 64bit","min_disk":40,'
        b'"min_ram":0,"container_format":"bare","visibility":"private",'
        b'"protected":false,"tags":[]}'
    )


def test_our_own_tags_win_over_the_spec_and_none_is_sent_twice():
    spec = replace(SPEC, tags=(("br-entry", "forged"), ("wave", "07")))
    tags = (("br-entry", "real"), ("wave", "07"))
    assert json.loads(create_body(spec, tags))["tags"] == ["br-entry=real", "wave=07"]


def test_register_sends_the_source_alone_in_ascii():
    spec = replace(SPEC, image_url="bucket:path/img \u4e2d.qcow2")
    assert register_body(spec) == rb'{"image_url":"bucket:path/img \u4e2d.qcow2"}'


def test_a_list_asks_for_our_private_images_and_nothing_more():
    assert list_query(ImageQuery(), "p-1", None) == (
        "__imagetype=private&owner=p-1&limit=500"
    )


def test_every_filter_is_escaped_as_it_is_signed():
    query = ImageQuery(
        tag=("br-manifest", "wave-07"),
        name="img \u4e2d&x=1",
        created_since="2026-09-01T00:00:00Z",
        image_id=ImageId("a/b"),
    )
    assert list_query(query, "p-1", "m+1") == (
        "__imagetype=private&owner=p-1&limit=500&id=a%2Fb"
        "&name=img%20%E4%B8%AD%26x%3D1&tag=br-manifest%3Dwave-07"
        "&created_at=gte%3A2026-09-01T00%3A00%3A00Z&marker=m%2B1"
    )


def test_the_two_job_calls():
    job = JobId("j/1")
    assert job_path(JobCall.PROJECT, "p 1", job) == "/v1/p%201/jobs/j%2F1"
    assert job_path(JobCall.PROGRESS, "p 1", job) == "/v1/cloudimages/job/j%2F1"


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://ims.example.com",
        "https://ims.example.com/",
        "https://ims.example.com/v2",
        "https://ims.example.com/v1/",
        "https://ims.example.com/v2.1",
        f"https://ims.example.com/v2/{PROJECT}",
    ],
)
def test_an_endpoint_of_a_catalogue_may_carry_a_version(endpoint):
    assert base_url(endpoint) == "https://ims.example.com"


def test_a_path_that_is_not_a_version_stays():
    assert base_url("https://gate.example.com/ims") == "https://gate.example.com/ims"


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_no_text_breaks_out_of_its_place_in_an_address(text):
    query = list_query(ImageQuery(name=text), "p-1", text)
    assert query.isascii()
    assert query.count("&") == 4
    assert not set(' #?\\"<>%\r\n') & set(query.replace("%", "", query.count("%")))
