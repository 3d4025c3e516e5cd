"""The schema in the hands of tools that others wrote: it completes, explains, refuses."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from batch_register.manifest import json_schema, parse_manifest
from batch_register.manifest.schema import DEFAULTS_FIELDS, HEAD_FIELDS, IMAGE_FIELDS
from tests.editor.language_server import LanguageServer

pytestmark = [pytest.mark.peer, pytest.mark.integration]

MANIFESTS = Path(__file__).parents[2] / "manifests"
HEAD = "version: 1\nname: wave-07\n"


def offered(server: LanguageServer, text: str) -> dict[str, Any]:
    """Return what is offered at the end of a text, by its label."""
    lines = text.split("\n")
    position = {"line": len(lines), "character": len(lines[-1])}  # below the modeline
    document = server.open(text)
    found = server.ask(
        "textDocument/completion", textDocument=document, position=position
    )
    return {item["label"]: item for item in found["items"]}


def explained(server: LanguageServer, text: str, word: str) -> str:
    """Return what is shown where somebody rests on a word."""
    before = text[: text.index(word)].split("\n")
    position = {"line": len(before), "character": len(before[-1]) + 1}
    document = server.open(text)
    found = server.ask("textDocument/hover", textDocument=document, position=position)
    return str(found["contents"]["value"])


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("", HEAD_FIELDS),
        (f"{HEAD}defaults:\n  ", DEFAULTS_FIELDS),
        (f"{HEAD}images:\n  - name: a\n    ", tuple({*IMAGE_FIELDS} - {"name"})),
    ],
)
def test_every_field_is_offered_with_what_it_means(server, text, fields):
    items = offered(server, text)
    assert {*fields} <= items.keys()
    for field in fields:
        assert "documentation" in items[field], field


def test_formats_are_offered_as_values(server):
    items = offered(server, f"{HEAD}defaults:\n  disk_format: ")
    formats = json_schema()["$defs"]["ImageFields"]["properties"]["disk_format"]
    assert {*formats["enum"]} <= items.keys()
    assert "QEMU" in str(items["qcow2"])


@pytest.mark.parametrize(
    ("text", "label", "inserted"),
    [
        (f"{HEAD}defaults:\n  ", "the usual defaults", "bucket: "),
        (f"{HEAD}images:\n  - ", "an image in a bucket", "object: "),
    ],
)
def test_snippets_are_offered_where_they_belong(server, text, label, inserted):
    item = offered(server, text)[label]
    assert inserted in item.get("insertText", item.get("textEdit", {}).get("newText"))


FIELDS_THAT_FILL_THEMSELVES = (
    "bucket",
    "image_url",
    "source_url",
    "min_ram",
    "priority",
    "size_bytes",
    "tags",
    "labels",
    "the usual defaults",
)
IMAGE = "{name: a, image_url: 'bkt:a', os_version: X, min_disk: 40}"


def test_what_is_filled_in_with_a_field_is_right_as_it_stands(server):
    """A value that YAML takes for a number would need quotes, which are not put in."""
    text = f"{HEAD}images: [{IMAGE}]\ndefaults:\n  "
    items = offered(server, text)
    for label in FIELDS_THAT_FILL_THEMSELVES:
        inserted = re.sub(r"\$\{\d:([^}]*)\}", r"\1", items[label]["insertText"])
        filled = text + inserted.replace("\n", "\n  ")
        assert parse_manifest(filled.encode(), path="wave.yaml").images, label


def test_an_image_list_begins_with_a_name_and_no_more(server):
    inserted = offered(server, f"{HEAD}imag")["images"]["insertText"]
    assert inserted == "images:\n  - name: "


WHOLE = f"""\
{HEAD}defaults:
  bucket: migration-wave-07
  image_url: migration-wave-07:a.raw
  source_url: https://files.example.com/a.raw
  os_version: Ubuntu 22.04 server 64bit
  min_disk: 40
  min_ram: 1
  disk_format: qcow2
  protected: true
  tags:
    wave: "07"
  labels:
    owner: team-db
  priority: 1
  size_bytes: 1
images:
  - object: disks/web-01.qcow2
    source: ./web-01.qcow2
    source_host: storage-01
    source_resource: san-a
    key: first
    name: web-01
"""
IN_HEAD = [f"{field}:" for field in HEAD_FIELDS]
IN_IMAGE = ["name: web-01", *(f"{field}:" for field in IMAGE_FIELDS[1:])]


@pytest.mark.parametrize("word", [*IN_HEAD, *IN_IMAGE])
def test_every_field_explains_itself_with_an_example(server, word):
    shapes = json_schema()
    place = shapes if word in IN_HEAD else shapes["$defs"]["Image"]
    shown = explained(server, WHOLE, word)
    meant = place["properties"][word.partition(":")[0]]["description"]
    assert re.sub(r"\W", "", meant) in re.sub(r"\W", "", shown)
    assert "\nExample:\n" in shown or "\nExamples:\n" in shown


WRONG = {
    "a misspelt field": ("defaults: {os_verison: X}", 3, "os_verison"),
    "text for a number": ("defaults: {min_ram: 40 MB}", 3, 'Expected "integer"'),
    "a size with its unit": (
        "defaults: {min_disk: 40 GB}",
        3,
        "1 to 1024 (GB), or auto",
    ),
    "a bucket in capitals": ("defaults: {bucket: Wave}", 3, "lower-case letters"),
    "an unknown format": ("defaults: {disk_format: qcow}", 3, "qcow2"),
    "images as a map": ("images:\n  web-01:\n    object: a", 4, 'Expected "array"'),
    "two sources": ("defaults: {image_url: 'bkt:a', bucket: bkt}", 3, "not"),
    "a tag's long value": (f"defaults: {{tags: {{a: {'x' * 44}}}}}", 3, "0 to 43"),
    "no images": ("defaults: {}", 1, "images"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_manifest_is_marked_while_it_is_written(server, mistake):
    text, line, words = WRONG[mistake]
    server.open(f"{HEAD}{text}\n")
    found = server.diagnostics()
    assert any(at == line and words in message for at, message in found), found


@pytest.mark.parametrize("name", ["example", "rehearsal", "openstack"])
def test_the_manifests_that_ship_are_marked_nowhere(server, name):
    server.open((MANIFESTS / f"{name}.yaml").read_text(encoding="utf-8"))
    assert server.diagnostics() == []


# ------------------------------------------------------------ draft-07

_AJV = """
const Ajv = require('ajv');
const schema = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const ajv = new Ajv({strictSchema: true, strictTypes: false, allErrors: true});
for (const word of ['markdownDescription', 'defaultSnippets', 'enumDescriptions',
                    'patternErrorMessage', 'doNotSuggest']) ajv.addKeyword(word);
if (!ajv.validateSchema(schema)) throw new Error(ajv.errorsText());
const good = {version: 1, name: 'w', images: [{name: 'a', image_url: 'bkt:a'}]};
const check = ajv.compile(schema);
console.log(check(good), check({...good, colour: 'red'}));
"""


def test_ajv_takes_every_word_of_the_schema_as_draft_07(modules, schema_file):
    """In its strict mode an unknown word is an error, so the editors' words are named."""
    ended = subprocess.run(
        ["node", "-e", _AJV],
        input=schema_file.read_text(encoding="utf-8"),
        cwd=modules.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.stdout, ended.stderr) == ("true false\n", "")


def test_check_jsonschema_takes_the_schema_and_the_manifests(checker, schema_file):
    subprocess.run([checker, "--check-metaschema", schema_file], check=True)
    good = [MANIFESTS / "example.yaml", MANIFESTS / "openstack.yaml"]
    subprocess.run([checker, "--schemafile", schema_file, *good], check=True)
    bad = schema_file.parent / "bad.yaml"
    bad.write_text("version: 2\nname: w\nimages: []\n", encoding="utf-8")
    ended = subprocess.run(
        [checker, "--schemafile", schema_file, bad],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "version" in ended.stdout
