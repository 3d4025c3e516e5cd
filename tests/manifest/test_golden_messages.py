"""Ten typical mistakes, as a person sees them."""

from __future__ import annotations

import pytest

from batch_register.errors import ManifestError
from batch_register.manifest import parse_manifest, render_problems

GOLDEN = {
    "a misspelt field": (
        """\
version: 1
name: wave-07
images:
  - name: web-01
    image_url: bkt:web-01.qcow2
    os_version: Ubuntu 22.04 server 64bit
    min_dsik: 40
""",
        """\
wave.yaml:7:5: `min_dsik` is not a field of an image: did you mean `min_disk`? (image web-01)
     7 |     min_dsik: 40
       |     ^~~~~~~~
wave.yaml: 1 problem
""",
    ),
    "a number as a tag": (
        """\
version: 1
name: wave-07
defaults: {os_version: X, min_disk: 40, tags: {wave: 07}}
images:
  - {name: a, image_url: "bkt:a"}
""",
        """\
wave.yaml:3:54: `tags.wave` must be text, but 07 is a number in YAML: put it in quotes, wave: "07"
     3 | defaults: {os_version: X, min_disk: 40, tags: {wave: 07}}
       |                                                      ^~
wave.yaml: 1 problem
""",
    ),
    "a tab": (
        "version: 1\nname: wave-07\nimages:\n\t- name: a\n",
        """\
wave.yaml:4:1: a tab is used for indentation: YAML takes spaces only
     4 | \\t- name: a
       | ^~
wave.yaml: 1 problem
""",
    ),
    "an address instead of bucket and object": (
        """\
version: 1
name: wave-07
defaults: {os_version: X, min_disk: 40}
images:
  - name: a
    image_url: obs://bkt/disks/a.raw
""",
        """\
wave.yaml:6:16: `image_url` "obs://bkt/disks/a.raw" has a scheme: write "<bucket>:<object>" instead (image a)
     6 |     image_url: obs://bkt/disks/a.raw
       |                ^~~~~~~~~~~~~~~~~~~~~
wave.yaml: 1 problem
""",
    ),
    "a size with its unit": (
        """\
version: 1
name: wave-07
images:
  - name: a
    image_url: bkt:a
    os_version: X
    min_disk: 40 GB
""",
        """\
wave.yaml:7:15: `min_disk` must be a whole number, but "40 GB" is text: write digits only, without a unit (image a)
     7 |     min_disk: 40 GB
       |               ^~~~~
wave.yaml: 1 problem
""",
    ),
    "a copied image": (
        """\
version: 1
name: wave-07
defaults: {bucket: bkt, os_version: X, min_disk: 40}
images:
  - name: a
    object: a.raw
  - name: a
    object: b.raw
""",
        """\
wave.yaml:7:11: duplicate name "a": the image at line 5 has it too; give each its own `key` (image a)
     7 |   - name: a
       |           ^
wave.yaml: 1 problem
""",
    ),
    "a key twice": (
        """\
version: 1
name: wave-07
defaults: {bucket: bkt, os_version: X, min_disk: 40}
images:
  - name: a
    object: a.raw
    object: b.raw
""",
        """\
wave.yaml:7:5: duplicate key `object`: line 6 has it too; remove one
     7 |     object: b.raw
       |     ^~~~~~
wave.yaml: 1 problem
""",
    ),
    "a password": (
        """\
version: 1
name: wave-07
password: do-not-show-me
defaults: {bucket: bkt, os_version: X, min_disk: 40}
images:
  - {name: a, object: a.raw}
""",
        """\
wave.yaml:3:1: `password` does not belong here: the manifest never holds credentials, endpoints or concurrency; remove it: they belong in clouds.yaml and in flags
     3 | password: ...
       | ^~~~~~~~
wave.yaml: 1 problem
""",
    ),
    "an open quote": (
        """\
version: 1
name: wave-07
images:
  - name: "a
    object: a.raw
""",
        """\
wave.yaml:4:11: a quote is opened here and never closed: close it where the value ends
     4 |   - name: "a
       |           ^~
wave.yaml: 1 problem
""",
    ),
    "a newer manifest": (
        "version: 2\nname: wave-07\nbatches: []\n",
        """\
wave.yaml:1:10: this manifest is of version 2, and this program reads version 1: install a newer program, or correct the number
     1 | version: 2
       |          ^
wave.yaml: 1 problem
""",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", GOLDEN)
def test_a_typical_mistake_reads_like_this(mistake):
    text, expected = GOLDEN[mistake]
    with pytest.raises(ManifestError) as caught:
        parse_manifest(text.encode(), path="wave.yaml")
    assert render_problems(caught.value, text) == expected
