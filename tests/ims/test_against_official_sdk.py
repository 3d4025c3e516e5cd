"""Our field names are those that the vendor's own client library knows."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qsl

from huaweicloudsdkims.v2 import (
    GlanceCreateImageMetadataRequestBody,
    ListImagesRequest,
    RegisterImageRequestBody,
    ShowJobResponse,
)

from batch_register.ims.outgoing import create_body, list_query, register_body
from batch_register.model import ImageId, ImageQuery
from tests.ims.scripted import SPEC


def test_create_sends_each_property_of_the_libraries_model_and_no_other():
    spec = replace(SPEC, disk_format="qcow2")
    known = GlanceCreateImageMetadataRequestBody.attribute_map.values()
    assert json.loads(create_body(spec, (("a", "b"),))).keys() == set(known)


def test_register_sends_each_property_of_the_libraries_model_and_no_other():
    known = RegisterImageRequestBody.attribute_map.values()
    assert json.loads(register_body(SPEC)).keys() == set(known)


def test_a_list_filters_by_parameters_that_the_library_knows():
    query = ImageQuery(
        tag=("a", "b"), name="n", created_since="t", image_id=ImageId("i")
    )
    sent = dict(parse_qsl(list_query(query, "p", "m")))
    assert sent.keys() <= set(ListImagesRequest.attribute_map.values())


def test_a_job_is_read_by_names_that_the_library_knows():
    known = set(ShowJobResponse.attribute_map.values())
    read = {"status", "job_id", "error_code", "fail_reason", "entities"}
    assert read <= known
