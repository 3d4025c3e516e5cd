"""`schema`: the manifest's JSON Schema, to a file or to standard output."""

from __future__ import annotations

import json
from pathlib import Path

from batch_register.manifest import json_schema


def test_the_schema_goes_to_standard_output(invoke) -> None:
    ended = invoke("schema")
    assert json.loads(ended.out) == json_schema()
    assert (ended.code, ended.err) == (0, "")


def test_the_schema_goes_to_a_file(invoke, tmp_path: Path) -> None:
    file = tmp_path / "manifest.schema.json"
    ended = invoke("schema", "-o", file)
    assert (ended.code, ended.out) == (0, "")
    assert json.loads(file.read_text(encoding="utf-8")) == json_schema()


def test_a_file_that_cannot_be_written_is_an_error(invoke, tmp_path: Path) -> None:
    ended = invoke("schema", "-o", tmp_path)
    assert ended.code == 2
    assert ended.err.startswith(f"error: {tmp_path}: cannot be written: ")
