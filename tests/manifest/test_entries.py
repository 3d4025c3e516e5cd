from __future__ import annotations

import pytest

from batch_register.model import EntryKey, ImageSpec

LEAST = "name: a, image_url: 'bkt:a.raw', os_version: X, min_disk: 40"


def test_every_field_arrives(read):
    manifest = read(
        """\
version: 1
name: wave-07
defaults:
  bucket: default-bucket
  os_version: Ubuntu 22.04 server 64bit
  min_disk: 40
  tags: {wave: "07", tier: any}
  labels: {owner: team-platform}
images:
  - name: web-01
    object: disks/web-01.qcow2
  - key: db-primary
    name: db 01
    image_url: other-bucket:db-01.vmdk
    os_version: Redhat 7.6 64bit
    min_disk: 100
    min_ram: 4096
    disk_format: qcow2
    protected: true
    tags: {tier: database}
    labels: {ticket: MIG-231}
    priority: -3
    size_bytes: 64424509440
"""
    )
    assert manifest.name == "wave-07"
    assert manifest.images == (
        ImageSpec(
            key=EntryKey("web-01"),
            name="web-01",
            image_url="default-bucket:disks/web-01.qcow2",
            os_version="Ubuntu 22.04 server 64bit",
            min_disk_gb=40,
            tags=(("wave", "07"), ("tier", "any")),
            labels=(("owner", "team-platform"),),
            line=10,
        ),
        ImageSpec(
            key=EntryKey("db-primary"),
            name="db 01",
            image_url="other-bucket:db-01.vmdk",
            os_version="Redhat 7.6 64bit",
            min_disk_gb=100,
            min_ram_mb=4096,
            disk_format="qcow2",
            protected=True,
            tags=(("wave", "07"), ("tier", "database")),
            labels=(("owner", "team-platform"), ("ticket", "MIG-231")),
            priority=-3,
            size_bytes=64424509440,
            line=12,
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nname: w\nimages:\n- {name: a, object: b}\ndefaults: {bucket: bkt, os_version: X, min_disk: 1}",
        "images:\n- {name: a, object: b}\ndefaults: &d {bucket: bkt, os_version: X, min_disk: 1}\nversion: 1\nname: w",
        "version: 1\nname: w\nimages:\n- {name: a, object: b}\n<<: {defaults: {bucket: bkt, os_version: X, min_disk: 1}}",
        "version: 1\nname: w\n<<: {images: [{name: a, object: b}]}\ndefaults: {bucket: bkt, os_version: X, min_disk: 1}",
        "version: 1\nname: w\nimages: &all\n- {name: a, object: b}\ndefaults: {bucket: bkt, os_version: X, min_disk: 1}",
    ],
    ids=["below", "shuffled", "merged", "images-merged", "anchored"],
)  # fmt: skip
def test_defaults_count_wherever_they_stand(read, text):
    (spec,) = read(text).images
    assert (spec.image_url, spec.os_version, spec.min_disk_gb) == ("bkt:b", "X", 1)


@pytest.mark.parametrize(
    ("defaults", "fields", "url"),
    [
        ("image_url: 'one:x'", "", "one:x"),
        ("image_url: 'one:x'", "image_url: 'two:y'", "two:y"),
        ("image_url: 'one:x'", "bucket: two, object: y", "two:y"),
        ("bucket: one", "object: y", "one:y"),
        ("bucket: one", "image_url: 'two:y'", "two:y"),
        ("bucket: one, object: x", "bucket: two", "two:x"),
        ("object: x", "bucket: two", "two:x"),
    ],
)
def test_an_image_s_own_source_wins_in_either_form(read, defaults, fields, url):
    text = (
        f"version: 1\nname: w\ndefaults: {{os_version: X, min_disk: 40, {defaults}}}\n"
        f"images:\n- {{name: a, {fields}}}\n"
    )
    assert read(text).images[0].image_url == url


@pytest.mark.parametrize(
    ("fields", "attribute", "value"),
    [
        ("name: no", "name", "no"),
        ("name: 2026-01-31", "name", "2026-01-31"),
        ('name: "1234"', "name", "1234"),
        ("name: 服务器 01", "name", "服务器 01"),
        ("name: x, key: y", "key", "y"),
        ("min_disk: 0040", "min_disk_gb", 40),
        ("min_disk: 0x28", "min_disk_gb", 40),
        ("min_disk: 1024", "min_disk_gb", 1024),
        ("min_disk: 1", "min_disk_gb", 1),
        ("min_ram: 0", "min_ram_mb", 0),
        ("protected: false", "protected", False),
        ("disk_format: iso", "disk_format", "iso"),
        ("os_version: Other Linux(64 bit)", "os_version", "Other Linux(64 bit)"),
        ("os_version: 标准版 64位", "os_version", "标准版 64位"),
        ("image_url: my.bucket-1:a/b/ü.raw", "image_url", "my.bucket-1:a/b/ü.raw"),
        ("image_url: bkt:/x", "image_url", "bkt:/x"),
        ('tags: {a: "", b-c_D: x}', "tags", (("a", ""), ("b-c_D", "x"))),
        ("tags: {}", "tags", ()),
        ('labels: {"any thing/é": "a: b"}', "labels", (("any thing/é", "a: b"),)),
        ("priority: -2147483647", "priority", -2147483647),
    ],
)
def test_a_legal_value_arrives_as_it_stands(image, fields, attribute, value):
    assert getattr(image(fields), attribute) == value


def test_images_of_one_name_may_differ_in_key_and_source(read):
    text = (
        "version: 1\nname: w\ndefaults: {os_version: X, min_disk: 40}\nimages:\n"
        "- {name: a, key: k1, image_url: 'bkt:1'}\n"
        "- {name: a, key: k2, image_url: 'bkt:2'}\n"
        "- {name: b, key: a, image_url: 'bkt:1'}\n"
    )
    assert [spec.key for spec in read(text).images] == ["k1", "k2", "a"]


def test_a_thousand_and_one_tag_sets_are_all_kept(read):
    rows = "".join(
        f"- {{<<: *base, name: n{n}, tags: {{t: v{n}}}}}\n" for n in range(1_002)
    )
    manifest = read(
        f"version: 1\nname: w\nimages:\n- &base {{{LEAST}, tags: {{t: x}}}}\n{rows}{''}"
    )
    expected = [(("t", "x"),), *((("t", f"v{n}"),) for n in range(1_002))]
    assert [spec.tags for spec in manifest.images] == expected


def test_what_is_wrong_once_is_said_once(problems):
    text = (
        "version: 1\nname: w\ndefaults: {os_version: X, min_disk: 4000, bucket: bkt}\n"
        "images:\n- &i {name: a, object: a, min_ram: -1}\n"
        "- {<<: *i, name: b}\n- {<<: *i, name: c}\n"
    )
    assert [(p.line, p.message, p.entry) for p in problems(text)] == [
        (3, "`min_disk` must be 1 to 1024 (GB), or auto, not 4000", ""),
        (5, "`min_ram` must be 0 to 2147483647 (MB), not -1", "a"),
    ]


@pytest.mark.fault(30)
def test_twins_are_found_even_where_one_is_wrong_otherwise(problems):
    text = (
        "version: 1\nname: w\ndefaults: {os_version: X, min_disk: 40}\nimages:\n"
        "- {name: a, image_url: 'bkt:1', min_disk: 0}\n"
        "- {name: a, image_url: 'bkt:2'}\n"
    )
    assert [(p.line, p.message) for p in problems(text)] == [
        (5, "`min_disk` must be 1 to 1024 (GB), or auto, not 0"),
        (
            6,
            'duplicate name "a": the image at line 5 has it too; give each its own '
            "`key`",
        ),
    ]


def test_too_many_tags_count_together_with_the_defaults(problems):
    tags = ", ".join(f"t{n}: x" for n in range(5))
    more = ", ".join(f"m{n}: x" for n in range(3))
    text = (
        f"version: 1\nname: w\ndefaults: {{os_version: X, min_disk: 40, tags: {{{tags}}}}}\n"
        f"images:\n- {{name: a, image_url: 'bkt:1', tags: {{{more}}}}}\n"
    )
    assert [(p.line, p.message) for p in problems(text)] == [
        (5, "`tags` must hold at most 7 tags: three more are ours")
    ]


@pytest.mark.fault(30)
def test_one_file_under_one_name_twice_is_refused(problems):
    text = (
        "version: 1\nname: w\ndefaults: {os_version: X, min_disk: 40}\nimages:\n"
        "- {name: a, image_url: 'bkt:1'}\n"
        "- {name: a, key: b, bucket: bkt, object: '1'}\n"
    )
    assert [(p.line, p.column, p.message, p.entry) for p in problems(text)] == [
        (
            6,
            18,
            'two images named "a" from one source: the other is at line 5; '
            "remove one, or rename it",
            "b",
        )
    ]


def test_wrong_tags_of_the_defaults_are_shown_there(problems):
    text = (
        "version: 1\nname: w\n"
        "defaults: {os_version: X, min_disk: 40, tags: {br-x: a, b: c.d}}\n"
        "images:\n- {name: a, image_url: 'bkt:1', tags: {e: f}}\n"
        "- {name: b, image_url: 'bkt:2'}\n"
    )
    assert [(p.line, p.column, p.entry) for p in problems(text)] == [
        (3, 48, ""),
        (3, 60, ""),
    ]
