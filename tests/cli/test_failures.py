"""Failures: one place turns every error into text, JSON and an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from batch_register.cli import ErrorStyle, StdoutClosedError
from batch_register.cli.failures import present
from batch_register.errors import (
    AuthenticationError,
    BatchRegisterError,
    LedgerDamagedError,
    LedgerError,
    LedgerLockedError,
    ManifestError,
    ManifestProblem,
    ServiceError,
    SettingsError,
)
from batch_register.model import Action, Fault, FaultKind

CANARY = "c4n4ry-Qx7ZpL0wVtR9"
FAULT = Fault(
    kind=FaultKind.FORBIDDEN,
    code="IMG.0027",
    reason=f"no: X-Auth-Token: {CANARY}",
    action=Action.ASK_PERMISSION,
)
SERVICE = ServiceError("create image", FAULT)
LEDGER = LedgerError("a.jsonl", "no space", hint="make room")
LOGIN = AuthenticationError("get token", FAULT)
SETTINGS = SettingsError("bad flag")
BUG = ValueError(f"token={CANARY}")
BUG_TEXT = (
    "error: internal error: ValueError: token=***\n"
    "hint: please report this; `--log-level debug` shows where it happened\n"
)


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (SETTINGS, 2, "error: bad flag\n"),
        (LEDGER, 74, "error: a.jsonl: no space\nhint: make room\n"),
        (LedgerLockedError("a", "locked"), 7, "error: a: locked\n"),
        (SERVICE, 69, "error: create image: IMG.0027: no: X-Auth-Token: ***\n"),
        (LOGIN, 77, "error: get token: IMG.0027: no: X-Auth-Token: ***\n"),
        (BUG, 1, BUG_TEXT),
        (KeyboardInterrupt(), 130, "stopped by an interrupt\n"),
        (click.Abort(), 130, "stopped by an interrupt\n"),
        (click.UsageError("no such flag"), 2, "Error: no such flag\n"),
        (click.FileError("f", "gone"), 2, "Error: Could not open file 'f': gone\n"),
        (ExceptionGroup("tasks", [SERVICE, LEDGER]), 74, "error: a.jsonl: no space\n"),
        (
            ExceptionGroup("tasks", [LEDGER, ExceptionGroup("more", [BUG])]),
            1,
            BUG_TEXT,
        ),
        (
            BaseExceptionGroup("tasks", [SETTINGS, KeyboardInterrupt()]),
            2,
            "error: bad flag\n",
        ),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_an_error_becomes_a_message_and_a_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, text: str
) -> None:
    assert present(error, ErrorStyle()) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(text)


def test_every_error_of_ours_ends_with_its_own_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for kind in (LedgerDamagedError("a", 3, "x"), BatchRegisterError("x")):
        assert present(kind, ErrorStyle()) == kind.exit_code
    capsys.readouterr()


def test_a_manifests_problems_are_shown_with_their_lines(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "wave.yaml"
    path.write_text("version: 1\nname: wave 07\n", encoding="utf-8")
    problems = (
        ManifestProblem(line=2, column=7, message="a blank"),
        ManifestProblem(line=9, column=1, message="nothing here", entry="web-01"),
    )
    assert present(ManifestError(str(path), problems), ErrorStyle()) == 65
    assert capsys.readouterr().err == (
        f"{path}:2:7: a blank\n"
        "     2 | name: wave 07\n"
        "       |       ^~~~~~~\n"
        f"{path}:9:1: nothing here (image web-01)\n"
        f"{path}: 2 problems\n"
    )


def test_problems_of_a_manifest_that_is_gone_are_shown_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    problem = ManifestProblem(line=2, column=7, message="a blank")
    assert present(ManifestError("/nowhere/a.yaml", (problem,)), ErrorStyle()) == 65
    assert capsys.readouterr().err == (
        "/nowhere/a.yaml:2:7: a blank\n/nowhere/a.yaml: 1 problem\n"
    )


# ------------------------------------------------------------ JSON


def last_line(text: str) -> object:
    return json.loads(text.splitlines()[-1])


def test_where_json_is_wanted_the_last_line_is_one_object(
    capsys: pytest.CaptureFixture[str],
) -> None:
    present(LEDGER, ErrorStyle(as_json=True))
    assert last_line(capsys.readouterr().err) == {
        "error": {
            "reference": "ledger",
            "message": "a.jsonl: no space",
            "hint": "make room",
            "exit_code": 74,
        }
    }


def test_the_object_of_a_manifest_error_has_every_problem(
    capsys: pytest.CaptureFixture[str],
) -> None:
    problem = ManifestProblem(line=2, column=7, message="a blank", entry="web-01")
    present(ManifestError("a.yaml", (problem,)), ErrorStyle(as_json=True))
    assert last_line(capsys.readouterr().err) == {
        "error": {
            "reference": "manifest-invalid",
            "message": "a.yaml: 1 problem",
            "hint": "",
            "exit_code": 65,
            "problems": [
                {"line": 2, "column": 7, "message": "a blank", "entry": "web-01"}
            ],
        }
    }


@pytest.mark.parametrize(
    ("error", "reference"),
    [
        (BUG, "internal-error"),
        (KeyboardInterrupt(), "interrupted"),
        (click.UsageError("no such flag"), "usage"),
    ],
)
def test_foreign_errors_have_a_reference_too(
    capsys: pytest.CaptureFixture[str], error: BaseException, reference: str
) -> None:
    code = present(error, ErrorStyle(as_json=True))
    body = last_line(capsys.readouterr().err)
    assert isinstance(body, dict)
    assert body["error"]["reference"] == reference
    assert body["error"]["exit_code"] == code


# ------------------------------------------------------------ tracebacks


def _deep(password: str) -> None:
    raise BUG


def _raised() -> BaseException:
    try:
        _deep(CANARY)
    except ValueError as error:
        return error
    raise AssertionError


def test_a_traceback_is_shown_for_debugging_only_and_without_locals(
    capsys: pytest.CaptureFixture[str],
) -> None:
    present(_raised(), ErrorStyle())
    assert "Traceback" not in capsys.readouterr().err
    present(_raised(), ErrorStyle(with_traceback=True))
    text = capsys.readouterr().err
    assert "Traceback (most recent call last)" in text
    assert "in _deep" in text
    assert CANARY not in text
    assert text.endswith(BUG_TEXT)


def test_a_broken_pipe_that_is_not_standard_output_is_a_bug(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for error in (StdoutClosedError(), BrokenPipeError(32, "Broken pipe")):
        assert present(error, ErrorStyle()) == 1
    capsys.readouterr()
