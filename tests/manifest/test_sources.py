"""Where an image comes from: one way to say it, and what each way asks for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_register.manifest import load_manifest
from batch_register.manifest.rules import DISK_FORMATS, WEB_DISK_FORMATS
from batch_register.model import FilePlace, spec_digest

HEAD = "version: 1\nname: w\n"
URL = "https://files.example.com/disks/web-01.qcow2"


@pytest.fixture
def web(read):
    """Return a reader of one image from the web."""

    def one(fields: str):
        text = f"{HEAD}images:\n- {{name: a, disk_format: raw, {fields}}}\n"
        return read(text).images[0]

    return one


@pytest.fixture
def refused(problems):
    """Return what is wrong with one image that has no base at all."""

    def one(fields: str):
        found = problems(f"{HEAD}images:\n- {{name: a, {fields}}}\n")
        return [problem.message for problem in found]

    return one


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "http://127.0.0.1:8080/a.raw",
        "http://[::1]:8080/a.raw",
        "https://x/a%20b/c;d=1,(2)~!$&'*+.raw",
    ],
)
def test_a_plain_address_arrives_as_it_stands(web, url):
    spec = web(f'source_url: "{url}"')
    assert spec.image_url == url
    assert spec.is_from_web


def test_an_object_in_a_bucket_is_not_from_the_web(image):
    assert not image("image_url: 'http:a.raw'").is_from_web


def test_an_image_from_the_web_needs_a_format_and_no_more(web, refused):
    spec = web(f"source_url: {URL}")
    assert (spec.os_version, spec.min_disk_gb) == ("", 0)
    assert refused(f"source_url: {URL}") == [
        "`disk_format` is missing: every image needs one, its own or from `defaults`, "
        "such as `disk_format: qcow2`"
    ]


MUST = (
    "must be an http or https address without a login or a query, such as "
    '"https://files.example.com/disks/web-01.qcow2"'
)
QUERY = (
    "holds a query or a fragment, which may be a secret and would stand in the ledger "
    "and in reports: serve the file at a plain address"
)
LOGIN = "holds a login or an '@': the service must get the file without one"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("https://x", f'{MUST}, not "https://x"'),
        ("ftp://x/a", f'{MUST}, not "ftp://x/a"'),
        ("HTTPS://x/a", f'{MUST}, not "HTTPS://x/a"'),
        ("https:///a", f'{MUST}, not "https:///a"'),
        ("https://x/a b", f'{MUST}, not "https://x/a b"'),
        ("https://x/ü", f'{MUST}, not "https://x/ü"'),
        ("https://x:port/a", f'{MUST}, not "https://x:port/a"'),
        ("bkt:a.raw", f'{MUST}, not "bkt:a.raw"'),
    ],
)
def test_another_address_is_refused(refused, url, sentence):
    found = refused(f'disk_format: raw, source_url: "{url}"')
    assert found == [f"`source_url` {sentence}"]


@pytest.mark.fault(37)
@pytest.mark.parametrize(
    ("url", "shown", "hint"),
    [
        ("https://me:hunter2@x/a", "https://...@x/a", LOGIN),
        ("https://x/a?sig=hunter2", "https://x/a?...", QUERY),
        ("https://x/a#hunter2", "https://x/a#...", QUERY),
        ("https://x/a?Expires=1&Signature=hunter2", "https://x/a?...", QUERY),
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(refused, url, shown, hint):
    found = refused(f'disk_format: raw, source_url: "{url}"')
    assert found == [f'`source_url` "{shown}" {hint}']


@pytest.mark.parametrize(
    ("other", "field"),
    [("image_url: 'bkt:x'", "image_url"), ("bucket: bkt, object: x", "bucket")],
)
def test_two_sources_are_one_too_many(refused, other, field):
    common = "os_version: X, min_disk: 1, disk_format: raw"
    found = refused(f"source_url: {URL}, {other}, {common}")
    assert f"`source_url` and `{field}` both name the source: keep one of them" in found


@pytest.mark.parametrize(
    ("defaults", "fields", "source"),
    [
        ("bucket: bkt", f"source_url: {URL}", URL),
        ("image_url: 'bkt:x'", f"source_url: {URL}", URL),
        (f"source_url: {URL}", "image_url: 'bkt:x'", "bkt:x"),
        (f"source_url: {URL}", "bucket: bkt, object: x", "bkt:x"),
        (f"source_url: {URL}", "min_ram: 1", URL),
    ],
)
def test_an_image_s_own_source_wins_over_another_kind(read, defaults, fields, source):
    common = "os_version: X, min_disk: 40, disk_format: raw"
    text = f"{HEAD}defaults: {{{common}, {defaults}}}\nimages:\n- {{name: a, {fields}}}"
    assert read(text).images[0].image_url == source


@pytest.mark.parametrize("name", sorted({*DISK_FORMATS, *WEB_DISK_FORMATS}))
def test_a_format_goes_with_the_kind_of_source(read, problems, name):
    sources = {
        f"source_url: {URL}": ("with", WEB_DISK_FORMATS),
        "image_url: 'bkt:x', os_version: X, min_disk: 1": ("without", DISK_FORMATS),
    }
    for source, (beside, fitting) in sources.items():
        text = f"{HEAD}images:\n- {{name: a, disk_format: {name}, {source}}}\n"
        if name in fitting:
            assert read(text).images[0].disk_format == name
        else:
            (problem,) = problems(text)
            assert problem.message == (
                f"`disk_format` {beside} `source_url` must be one of "
                f"{', '.join(fitting)}, not {name}"
            )


# ------------------------------------------------------------ files and auto


def test_a_file_goes_to_its_object_and_is_no_part_of_what_is_sent(image):
    spec = image("image_url: 'bkt:a.raw', source: disks/a.raw, source_host: nas-01")
    assert spec.source == FilePlace(path="disks/a.raw", host="nas-01")
    assert spec.image_url == "bkt:a.raw"
    assert spec_digest(spec) == spec_digest(replace(spec, source=None))


def test_a_relative_path_begins_at_the_manifest_s_folder(tmp_path):
    path = tmp_path / "wave.yaml"
    least = "bucket: bkt, object: a, os_version: X, min_disk: 1"
    path.write_text(f"{HEAD}images:\n- {{name: a, source: ../d/a.raw, {least}}}\n")
    (spec,) = load_manifest(path).images
    assert spec.source is not None
    assert spec.source.path == str(tmp_path.parent / "d" / "a.raw")


def test_a_file_without_an_object_has_no_place_to_go(refused):
    fields = "source: a.raw, os_version: X, min_disk: 1"
    message = "`source` has no place to go: give `bucket` and `object`, too"
    assert refused(fields) == [message]


def test_a_file_is_no_source_for_what_the_cloud_fetches_itself(refused):
    fields = f"source: a.raw, source_url: {URL}, disk_format: raw"
    message = "`source` and `source_url` are two sources: keep one of them"
    assert refused(fields) == [message]


def test_a_file_cannot_be_a_default(problems):
    text = f"{HEAD}defaults: {{source: a.raw}}\nimages:\n- {{name: a}}\n"
    message = "`source` cannot be a default: every image has its own"
    assert message in [problem.message for problem in problems(text)]


def test_two_files_never_become_one_object(problems):
    common = "image_url: 'bkt:x', os_version: X, min_disk: 1"
    text = (
        f"{HEAD}images:\n- {{name: a, source: a.raw, {common}}}\n"
        f"- {{name: b, source: b.raw, {common}}}\n"
    )
    (problem,) = problems(text)
    assert (problem.line, problem.entry) == (5, "b")
    assert problem.message == (
        "another file becomes this object at line 4: give each image an object of its "
        "own"
    )


def test_two_images_may_be_made_of_one_file(read):
    common = "source: a.raw, image_url: 'bkt:x', os_version: X, min_disk: 1"
    text = f"{HEAD}images:\n- {{name: a, {common}}}\n- {{name: b, {common}}}\n"
    assert len(read(text).images) == 2


def test_auto_is_kept_apart_from_every_size(image):
    spec = image("image_url: 'bkt:a.raw', min_disk: auto")
    assert (spec.min_disk_is_auto, spec.min_disk_gb) == (True, 0)
    assert not image("image_url: 'bkt:a.raw'").min_disk_is_auto
    found = replace(spec, min_disk_gb=73)
    assert spec_digest(found) == spec_digest(spec)


def test_auto_is_not_for_what_only_the_cloud_reads(refused):
    (message,) = refused(f"source_url: {URL}, disk_format: raw, min_disk: auto")
    assert message.startswith("`min_disk: auto` does not go with `source_url`")
