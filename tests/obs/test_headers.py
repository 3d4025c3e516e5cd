"""Buckets and objects out of headers, in both dialects."""

from __future__ import annotations

import pytest

from batch_register.obs.headers import (
    bare_etag,
    bucket_view,
    object_view,
    storage_class,
)

PLAIN = {"content-length": "12", "etag": '"abc"', "last-modified": "then"}


def test_an_object_without_a_class_is_standard() -> None:
    view = object_view(PLAIN)
    assert (view.pin.etag, view.pin.size_bytes) == ("abc", 12)
    assert (view.storage_class, view.encryption, view.modified_at) == (
        "STANDARD",
        "",
        "then",
    )


@pytest.mark.parametrize(
    ("header", "value", "name"),
    [
        ("x-obs-storage-class", "WARM", "WARM"),
        ("x-obs-storage-class", "DEEP_ARCHIVE", "DEEP_ARCHIVE"),
        ("x-amz-storage-class", "STANDARD_IA", "WARM"),
        ("x-amz-storage-class", "GLACIER", "COLD"),
        ("x-amz-storage-class", "intelligent_tiering", "INTELLIGENT_TIERING"),
    ],
)
def test_classes_in_both_dialects(header: str, value: str, name: str) -> None:
    assert object_view({**PLAIN, header: value}).storage_class == name


@pytest.mark.parametrize("prefix", ["x-obs-", "x-amz-"])
def test_encryption_in_both_dialects(prefix: str) -> None:
    ours = object_view({**PLAIN, f"{prefix}server-side-encryption": "kms"})
    assert (ours.encryption, ours.has_customer_key) == ("kms", False)
    name = f"{prefix}server-side-encryption-customer-algorithm"
    customers = object_view({**PLAIN, name: "AES256"})
    assert (customers.encryption, customers.has_customer_key) == ("AES256", True)


@pytest.mark.parametrize("length", [{}, {"content-length": "many"}])
def test_a_size_is_needed(length: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="int"):
        object_view({"etag": '"a"', **length})


@pytest.mark.parametrize(
    ("headers", "region", "storage", "is_file_system"),
    [
        ({}, None, None, False),
        (
            {"x-obs-bucket-location": "eu-de", "x-obs-storage-class": "WARM"},
            "eu-de",
            "WARM",
            False,
        ),
        (
            {"x-amz-bucket-region": "eu-de", "x-default-storage-class": "STANDARD_IA"},
            "eu-de",
            "WARM",
            False,
        ),
        ({"x-obs-fs-file-interface": "Enabled"}, None, None, True),
        ({"x-amz-fs-file-interface": "Disabled"}, None, None, False),
    ],
)
def test_a_bucket_in_both_dialects(
    headers: dict[str, str],
    region: str | None,
    storage: str | None,
    is_file_system: bool,
) -> None:
    view = bucket_view("disks", headers)
    assert view.name == "disks"
    assert (view.region, view.storage_class) == (region, storage)
    assert view.is_file_system is is_file_system


def test_small_things() -> None:
    assert bare_etag(' W/"a-2" ') == "a-2"
    assert storage_class(None) == storage_class("") == "STANDARD"
