"""A manifest's mistakes on a stream: coloured only where that is wanted, never secret."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from batch_register.cli.colour import is_coloured
from batch_register.cli.mistakes import mistakes_text
from batch_register.errors import ManifestError, ManifestProblem


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "expected"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_only_a_terminal_that_wants_colours_gets_them(
    stream: io.StringIO, environ: dict[str, str], *, expected: bool
) -> None:
    assert is_coloured(stream, environ) is expected


def shown(path: Path, stream: io.StringIO) -> str:
    problem = ManifestProblem(line=1, column=7, message="wrong")
    return mistakes_text(ManifestError(str(path), (problem,)), stream)


def test_the_caret_is_bold_and_red_on_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    path = tmp_path / "wave.yaml"
    path.write_text("name: a b", encoding="utf-8")
    coloured, plain = shown(path, Terminal()), shown(path, io.StringIO())
    assert "\x1b" not in plain
    assert coloured == plain.replace("^~~", "\x1b[31m\x1b[1m^~~\x1b[0m")


def test_a_token_in_the_shown_line_is_masked(tmp_path: Path) -> None:
    path = tmp_path / "wave.yaml"
    token = "gAAAA" + "Zz09" * 12
    path.write_text(f"name: {token}", encoding="utf-8")
    assert token not in shown(path, io.StringIO())
