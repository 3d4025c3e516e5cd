"""What commands write to standard output."""

from __future__ import annotations

import json

import pytest

from batch_register.cli import stdout


@pytest.mark.parametrize("entries", [0, 1, 20_000])
def test_document_in_pieces_is_the_document(
    entries: int, capsys: pytest.CaptureFixture[str]
) -> None:
    document = {"entries": [{"key": f"wéb-{n}", "line": n} for n in range(entries)]}
    stdout.write_json(document)
    assert capsys.readouterr().out == json.dumps(document, indent=2) + "\n"
