"""One wrong value, one sentence: the whole sentence is compared."""

from __future__ import annotations

import pytest

NEVER = "the manifest never holds credentials, endpoints or concurrency; remove it: they belong in clouds.yaml and in flags"
NAME = 'must be 1 to 128 letters, digits, spaces, "-", "." or "_", with no space at either end'
BUCKET = '3 to 63 lower-case letters, digits, "-" or ".", with a letter or digit at both ends and on both sides of a dot'


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ("name: 1234", '`name` must be text, but 1234 is a number in YAML: put it in quotes, name: "1234"'),
        ("name: 0x1F", '`name` must be text, but 0x1F is a number in YAML: put it in quotes, name: "0x1F"'),
        ("name: 1234e56", '`name` must be text, but 1234e56 is a number in YAML: put it in quotes, name: "1234e56"'),
        ("name: true", '`name` must be text, but true is a switch in YAML: put it in quotes, name: "true"'),
        ("name: ~", "`name` is empty: give it a value, or remove the line"),
        ("name: [a]", "`name` must be text, not a list"),
        ("name: {a: b}", "`name` must be text, not a map"),
        ("name: ''", f'`name` {NAME}, not ""'),
        ("name: ' a'", f'`name` {NAME}, not " a"'),
        ("name: ../../etc/passwd", f'`name` {NAME}, not "../../etc/passwd"'),
        ('name: "a\\u0007"', f'`name` {NAME}, not "a\\x07"'),
        ('name: "a\\n"', f'`name` {NAME}, not "a\\n"'),
        ("name: ünicode", f'`name` {NAME}, not "ünicode"'),
        (f"name: {'n' * 129}", f'`name` "{"n" * 57}..." has 129 characters, and 128 are allowed: shorten it'),
        ("key: a/b", f'`key` {NAME}, not "a/b"'),
        ("min_disk: '40'", '`min_disk` must be a whole number, but "40" is text: remove the quotes'),
        ("min_disk: 40GB", '`min_disk` must be a whole number, but "40GB" is text: write digits only, without a unit'),
        ("min_disk: 40.5", "`min_disk` must be a whole number, not 40.5"),
        ("min_disk: 40.0", "`min_disk` must be a whole number, not 40.0"),
        ("min_disk: .inf", "`min_disk` must be a whole number, not .inf"),
        ("min_disk: .nan", "`min_disk` must be a whole number, not .nan"),
        ("min_disk: true", "`min_disk` must be a whole number, not true"),
        ("min_disk: 0", "`min_disk` must be 1 to 1024 (GB), or auto, not 0"),
        ("min_disk: 1025", "`min_disk` must be 1 to 1024 (GB), or auto, not 1025"),
        ("min_disk: " + "9" * 5_000, f"`min_disk` must be 1 to 1024 (GB), or auto, not {'9' * 57}..."),
        ("min_disk: ", "`min_disk` is empty: give it a value, or remove the line"),
        ("min_ram: -1", "`min_ram` must be 0 to 2147483647 (MB), not -1"),
        ("disk_format: vmdk", '`disk_format` without `source_url` must be one of zvhd2, vhd, zvhd, raw, qcow2, iso, not vmdk'),
        ("disk_format: QCOW2", '`disk_format` must be one of zvhd2, vhd, zvhd, raw, qcow2, iso (what the cloud keeps, whatever the file is), or with `source_url` one of qcow2, raw, vmdk, vhd, vhdx, vdi, iso, ploop, not "QCOW2": did you mean "qcow2"?'),
        ("disk_format: [raw]", "`disk_format` must be text, not a list"),
        ("protected: yes", "`protected` must be true or false, not yes: write true, without quotes"),
        ("protected: 1", "`protected` must be true or false, not 1"),
        ("priority: high", '`priority` must be a whole number, but "high" is text: write digits only, without a unit'),
        ("priority: 99999999999", "`priority` must be -2147483647 to 2147483647, not 99999999999"),
        ("size_bytes: 0", "`size_bytes` must be 1 to 1125899906842624 (bytes), not 0"),
        ("os_version: 7", '`os_version` must be text, but 7 is a number in YAML: put it in quotes, os_version: "7"'),
        ('os_version: "\\e[31m"', '`os_version` must be 1 to 255 visible characters, with no blank at either end, such as "Ubuntu 22.04 server 64bit", not "\\x1b[31m"'),
        ("image_url: obs://bkt/a.raw", '`image_url` "obs://bkt/a.raw" has a scheme: write "<bucket>:<object>" instead'),
        ("image_url: https://bkt.obs.example/a.raw", '`image_url` "https://bkt.obs.example/a.raw" has a scheme: write "<bucket>:<object>" instead'),
        ("image_url: https://me:hunter2@obs.example/a.raw", '`image_url` "https://...@obs.example/a.raw" has a scheme: write "<bucket>:<object>" instead'),
        ("image_url: 'bkt:a.raw?AccessKeyId=hunter2&Signature=hunter2'", '`image_url` "bkt:a.raw?AccessKeyId=..." holds the query of a signed address: write the object key alone'),
        ("image_url: 'bkt:a.raw?x-obs-security-token=hunter2'", '`image_url` "bkt:a.raw?x-obs-security-token=..." holds the query of a signed address: write the object key alone'),
        ("image_url: a.raw", '`image_url` "a.raw" has no \':\': write "<bucket>:<object>"'),
        ("image_url: 'bkt:'", "`image_url` \"bkt:\" has no object key behind the ':'"),
        ("image_url: 'bkt:a b.raw'", '`image_url` "bkt:a b.raw" has a blank in the object key, which the service refuses: rename the object, and write its new key here'),
        ("image_url: 'bkt:a:b.raw'", "`image_url` \"bkt:a:b.raw\" has a ':' in the object key, which the service refuses: rename the object, and write its new key here"),
        ("image_url: 'bkt:a-flat.vmdk'", '`image_url` "bkt:a-flat.vmdk" names one part of a VMware disk, which the service cannot import: export the disk to a single file'),
        ("image_url: 'Bkt:a'", f"`image_url` \"Bkt:a\" has no bucket name before the ':', which is {BUCKET}"),
        ("image_url: 'b:a'", f"`image_url` \"b:a\" has no bucket name before the ':', which is {BUCKET}"),
        ("image_url: 'C:\\disks\\a.vhd'", f"`image_url` \"C:\\disks\\a.vhd\" has no bucket name before the ':', which is {BUCKET}"),
        ('image_url: "bkt:a\\u202eb"', '`image_url` must be "<bucket>:<object>", such as "my-bucket:disks/web-01.qcow2", not "bkt:a\\u202eb"'),
        ("source: https://h/disk.raw", '`source` "https://h/disk.raw" is an address, not a file: what lies in a bucket is named by `bucket` and `object` alone'),
        ("source: ' '", '`source` must be a file\'s path, such as ./disks/web-01.qcow2, not " "'),
        ("source_host: 'a b'", '`source_host` must be the host name or address of Dask workers, such as nas-01, not "a b"'),
        ("object: b", "`image_url` and `object` both name the source: keep `image_url`, or `bucket` with `object`"),
        ("bucket: bkt", "`image_url` and `bucket` both name the source: keep `image_url`, or `bucket` with `object`"),
        ("min_dsik: 4", "`min_dsik` is not a field of an image: did you mean `min_disk`?"),
        ("Min-RAM: 4", "`Min-RAM` is not a field of an image: did you mean `min_ram`?"),
        ("os: X", "`os` is not a field of an image: did you mean `os_version`?"),
        ("url: X", "`url` is not a field of an image: did you mean `image_url`?"),
        ("colour: red", "`colour` is not a field of an image: remove it"),
        ("password: x", f"`password` does not belong here: {NEVER}"),
        ("Secret-Key: x", f"`Secret-Key` does not belong here: {NEVER}"),
        ("endpoint: x", f"`endpoint` does not belong here: {NEVER}"),
        ("concurrency: 5", f"`concurrency` does not belong here: {NEVER}"),
        ("tags: [a]", '`tags` must be a map, not a list'),
        ("tags: a=b", '`tags` must be a map such as {wave: "07"}, not a=b'),
        ("tags: {a: 7}", '`tags.a` must be text, but 7 is a number in YAML: put it in quotes, a: "7"'),
        ("tags: {a: [x]}", "`tags.a` must be text, not a list"),
        ("tags: {a: {b: c}}", "`tags.a` must be text, not a map"),
        ("tags: {a: b.c}", '`tags.a` must be 0 to 43 letters, digits, "-" or "_", not "b.c"'),
        ("tags: {a b: c}", 'the key of `tags.a b` must be 1 to 36 letters, digits, "-" or "_", and not begin with "br-"'),
        ("tags: {br-entry: c}", 'the key of `tags.br-entry` must be 1 to 36 letters, digits, "-" or "_", and not begin with "br-"'),
        ("tags: {a: 1x, b: x, c: x, d: x, e: x, f: x, g: x, h: x}", "`tags` must hold at most 7 tags: three more are ours"),
        ("labels: {token: abc}", f"`labels.token`: {NEVER}"),
        ("labels: {Token: 12}", f"`labels.Token`: {NEVER}"),
        ("labels: {owner: ~}", "`labels.owner` is empty: give it a value, or remove the line"),
        ("labels: {'': x}", "a key is missing before the ':'"),
        ('labels: {"a\\tb": x}', "the key of `labels.a\\tb` must be 1 to 64 visible characters, with no blank at either end"),
        (f"labels: {{a: {'x' * 256}}}", f'`labels.a` "{"x" * 57}..." has 256 characters, and 255 are allowed: shorten it'),
        ("labels: none", "`labels` must be a map such as {owner: team-db}, not none"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_what_to_do(image_problems, fields, sentence):
    assert image_problems(fields) == [sentence]


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        ("version: 2\nname: w", "this manifest is of version 2, and this program reads version 1: install a newer program, or correct the number"),
        ("version: 0\nname: 1", "this manifest is of version 0, and this program reads version 1: install a newer program, or correct the number"),
        ("version: '1'\nname: w", '`version` must be a whole number, but "1" is text: remove the quotes'),
        ("version: 1.0\nname: w", "`version` must be a whole number, not 1.0"),
        ("version: true\nname: w", "`version` must be a whole number, not true"),
        ("version:\nname: w", "`version` is empty: give it a value, or remove the line"),
        ("name: w", "`version` is missing: write `version: 1` at the top"),
        ("version: 1", "`name` is missing: write `name: wave-07` at the top"),
        ("version: 1\nname: 7", '`name` must be text, but 7 is a number in YAML: put it in quotes, name: "7"'),
        ("version: 1\nname: w 7", '`name` must be 1 to 43 letters, digits, "-" or "_": it becomes a tag in the cloud, not "w 7"'),
        (f"version: 1\nname: {'w' * 44}", f'`name` "{"w" * 44}" has 44 characters, and 43 are allowed: shorten it'),
        ("version: 1\nname: w\ndefautls: {}", "`defautls` is not a field of the manifest: did you mean `defaults`?"),
        ("version: 1\nname: w\nregion: eu-de", f"`region` does not belong here: {NEVER}"),
        ("version: 1\nname: w\nsource: x", "`source` is not a field of the manifest: remove it"),
        ("version: 1\nname: w\ndefaults: [a]", "`defaults` must be a map, not a list"),
        ("version: 1\nname: w\ndefaults:", "`defaults` is empty: give it a value, or remove the line"),
        ("version: 1\nname: w\ndefaults: {key: x}", "`key` cannot be a default: every image has its own"),
        ("version: 1\nname: w\ndefaults: {name: x}", "`name` cannot be a default: every image has its own"),
        ("version: 1\nname: w\ndefaults: {ak: x}", f"`ak` does not belong here: {NEVER}"),
        ("version: 1\nname: w\ndefaults: {bukcet: x}", "`bukcet` is not a field of the defaults: did you mean `bucket`?"),
        ("version: 1\nname: w\ndefaults: {image_url: 'bkt:x', bucket: bkt}", "`image_url` and `bucket` both name the source: keep `image_url`, or `bucket` with `object`"),
        ("version: 1\nname: w\ndefaults: {bucket: B_1}", f'`bucket` must be a bucket name: {BUCKET}, not "B_1"'),
        ("version: 1\nname: w\ndefaults: {object: 'a b'}", '`object` "a b" has a blank in the object key, which the service refuses: rename the object, and write its new key here'),
    ],
)  # fmt: skip
def test_a_wrong_head_is_named_with_what_to_do(problems, head, sentence):
    least = "name: a, image_url: 'bkt:a.raw', os_version: X, min_disk: 40"
    found = problems(f"{head}\nimages:\n- {{{least}}}\n")
    assert [problem.message for problem in found] == [sentence]


@pytest.mark.parametrize(
    ("images", "sentences"),
    [
        ("", ["`images` is missing: list at least one, such as `- name: web-01`"]),
        ("images:", ["`images` is empty: give it a value, or remove the line"]),
        ("images: []", ["`images` must be a list with at least one image"]),
        ("images: {}", ["`images` must be a list, not a map: begin each image with a '-' and its name, `- name: web-01`"]),
        ("images: web-01", ["`images` must be a list, not web-01"]),
        ("images: [web-01]", ["an image must be a map of fields, such as `- name: web-01`"]),
        ("images: [~]", ["an image must be a map of fields, such as `- name: web-01`"]),
        (
            "images: [{}]",
            [
                "`name` is missing: every image needs one, such as `name: web-01`",
                "`os_version` is missing: every image needs one, its own or from `defaults`, such as `os_version: Ubuntu 22.04 server 64bit`",
                "`min_disk` is missing: every image needs one, its own or from `defaults`, such as `min_disk: 40`",
                "the source is missing: give `image_url`, or `bucket` and `object`",
            ],
        ),
        (
            "images: [{name: a, os_version: X, min_disk: 1, object: b}]",
            ["`bucket` is missing: the one that holds `object`, here or in `defaults`"],
        ),
        (
            "images: [{name: a, os_version: X, min_disk: 1, bucket: bkt}]",
            ["`object` is missing: the file's key inside `bucket`"],
        ),
    ],
)  # fmt: skip
def test_a_wrong_list_of_images_is_named_with_what_to_do(problems, images, sentences):
    found = problems(f"version: 1\nname: w\n{images}\n")
    assert [problem.message for problem in found] == sentences
