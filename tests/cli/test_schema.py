"""`schema`: the JSON Schemas, to a file or to standard output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema.validators import validator_for

from batch_register.manifest import json_schema
from tests.report.conftest import LedgerText


def test_the_schema_goes_to_standard_output(invoke) -> None:
    ended = invoke("schema")
    assert json.loads(ended.out) == json_schema()
    assert (ended.code, ended.err) == (0, "")


@pytest.mark.parametrize(
    ("document", "title"),
    [
        ("manifest", "batch_register manifest, version 1"),
        ("report", "batch_register report, version 1"),
        ("history", "batch_register history of one entry, version 1"),
        ("ledger", "batch_register ledger line, version 1"),
    ],
)
def test_a_document_is_chosen_by_its_name(invoke, document: str, title: str) -> None:
    ended = invoke("schema", document)
    schema = json.loads(ended.out)
    assert (ended.code, schema["title"]) == (0, title)
    validator_for(schema).check_schema(schema)


def test_an_unknown_document_is_answered_with_those_that_there_are(invoke) -> None:
    ended = invoke("schema", "plan")
    assert (ended.code, ended.out) == (2, "")
    assert "'manifest', 'report', 'history', 'ledger'" in ended.err


def test_the_schema_goes_to_a_file(invoke, tmp_path: Path) -> None:
    file = tmp_path / "manifest.schema.json"
    ended = invoke("schema", "-o", file)
    assert (ended.code, ended.out) == (0, "")
    assert json.loads(file.read_text(encoding="utf-8")) == json_schema()


def test_a_schema_never_takes_the_place_of_a_ledger(invoke, tmp_path: Path) -> None:
    ledger = LedgerText()
    ledger.start("run-1")
    file = tmp_path / "a.ledger.jsonl"
    file.write_bytes(ledger.raw)
    ended = invoke("schema", "ledger", "-o", file)
    assert ended.code == 2
    assert ended.err.startswith(f"error: {file}: the schema would overwrite a ledger")
    assert file.read_bytes() == ledger.raw


def test_a_file_that_cannot_be_written_is_an_error(invoke, tmp_path: Path) -> None:
    ended = invoke("schema", "-o", tmp_path)
    assert ended.code == 2
    assert ended.err.startswith(f"error: {tmp_path}: cannot be written: ")
