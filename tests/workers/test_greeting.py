"""What a process of the cluster tells of itself, and what is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from batch_register.workers.greeting import complaint, greet

OWN = replace(greet(), version="1.2.0", python="3.11.7")


def test_the_same_program_on_the_same_python_is_fit() -> None:
    assert complaint(replace(OWN, python="3.11.9", host_name="other"), OWN) == ""


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (replace(OWN, version="1.1.0"), "has batch-register 1.1.0, this is 1.2.0"),
        (replace(OWN, python="3.12.1"), "has Python 3.12.1, this is 3.11.7"),
        (replace(OWN, missing=("/etc/ca.pem",)), "cannot read /etc/ca.pem"),
        (
            ModuleNotFoundError("No module named 'batch_register'"),
            "lacks batch-register 1.2.0",
        ),
        # As Dask 2026.8 brings it.
        (
            Exception("ModuleNotFoundError(\"No module named 'batch_register'\")"),
            "lacks batch-register 1.2.0",
        ),
        (
            Exception(
                "ModuleNotFoundError(\"No module named 'batch_register.workers'\")"
            ),
            "has another version of batch-register than 1.2.0",
        ),
        (
            AttributeError("Can't get attribute 'greet'"),
            "has another version of batch-register than 1.2.0",
        ),
        (TimeoutError(), "does not answer (TimeoutError)"),
        (None, "does not answer (NoneType)"),
    ],
)
def test_an_unfit_process_is_told_plainly(answer: object, words: str) -> None:
    assert complaint(answer, OWN) == words


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    here, gone = tmp_path / "ca.pem", tmp_path / "gone.pem"
    here.touch()
    assert greet((str(here), str(gone))).missing == (str(gone),)
