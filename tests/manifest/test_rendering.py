from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from batch_register.errors import ManifestError, ManifestProblem
from batch_register.manifest.rendering import render_problems


def rendered(text: str, line: int, column: int, message: str = "wrong") -> list[str]:
    problem = ManifestProblem(line=line, column=column, message=message)
    return render_problems(ManifestError("m.yaml", (problem,)), text).split("\n")


def test_without_text_only_the_sentence_is_shown():
    assert rendered("", 3, 4) == ["m.yaml:3:4: wrong", "m.yaml: 1 problem", ""]


def test_a_place_behind_the_text_has_no_line_to_show():
    assert rendered("a", 9, 1) == ["m.yaml:9:1: wrong", "m.yaml: 1 problem", ""]


def test_the_entry_is_named():
    problem = ManifestProblem(line=1, column=1, message="wrong", entry="web-01")
    text = render_problems(ManifestError("m.yaml", (problem,)), "")
    assert text.split("\n")[0] == "m.yaml:1:1: wrong (image web-01)"


@pytest.mark.parametrize(
    ("text", "column", "line", "caret", "tail"),
    [
        ("a: bc", 4, "a: bc", 3, 1),
        ("\ufeffa: bc", 4, "a: bc", 3, 1),
        ("a:\tbc", 4, "a:\\tbc", 4, 1),
        ("a: \x1bbc", 4, "a: \\x1bbc", 3, 5),
        ("a: 服务", 4, "a: 服务", 3, 3),
        ("服务: 服务", 5, "服务: 服务", 6, 3),
        ("e\u0301: abc", 5, "e\u0301: abc", 3, 2),
        ("a: 'b", 9, "a: 'b", 5, 0),
        ("x" * 200, 151, "..." + "x" * 96 + "...", 63, 35),
        ("x" * 200, 1, "x" * 96 + "...", 0, 95),
    ],
)
def test_the_value_at_the_place_is_underlined(text, column, line, caret, tail):
    _, shown, marker, *_ = rendered(text, 1, column)
    assert shown == f"     1 | {line}"
    assert marker == "       | " + " " * caret + "^" + "~" * tail


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_break_counts(break_):
    assert rendered(break_.join(["one", "two", "three"]), 2, 1)[1] == "     2 | two"


@pytest.mark.fault(37)
@pytest.mark.parametrize(
    "line",
    [
        "password: hunter2",
        "OS_PASSWORD : hunter2",
        '  - {"secret-key": "hunter2", name: a}',
        "ak: hunter2",
        "labels: {api_token: hunter2}",
        "image_url: https://me:hunter2@obs.example/a.raw",
        "image_url: 'bkt:a.raw?X-Amz-Credential=hunter2&X-Amz-Signature=hunter2'",
        "source_url: https://e.example/a?Expires=1&Signature=hunter2",
    ],
)
def test_a_secret_in_a_shown_line_is_left_out(line):
    shown = "\n".join(rendered(line, 1, len(line)))
    assert "hunter2" not in shown
    assert "..." in shown


@pytest.mark.fault(39)
@given(st.text(), st.text(), st.integers(1, 5), st.integers(1, 200))
def test_nothing_from_the_file_reaches_the_terminal_raw(text, message, line, column):
    shown = rendered(text, line, column, message)
    assert all(part.isprintable() for part in shown)


def test_a_login_left_out_in_front_of_the_place_does_not_move_the_caret():
    line = "{image_url: 'x://me:hunter2@h/a', min_disk: 4 GB}"
    _, shown, marker, *_ = rendered(line, 1, line.index("4 GB") + 1)
    assert "hunter2" not in shown
    assert shown[marker.index("^") :].startswith("4 GB")


def test_what_else_is_a_secret_is_masked_by_whoever_knows():
    problem = ManifestProblem(line=1, column=7, message='not "s3cr3t"')
    error = ManifestError("m.yaml", (problem,))
    shown = render_problems(
        error, "note: s3cr3t", mask=lambda text: text.replace("s3cr3t", "***")
    )
    assert "s3cr3t" not in shown
    assert shown.count("***") == 2


def test_only_the_caret_is_painted():
    problem = ManifestProblem(line=1, column=4, message="wrong")
    error = ManifestError("m.yaml", (problem,))
    painted = render_problems(error, "a: bc", paint=lambda text: f"<{text}>")
    plain = render_problems(error, "a: bc")
    assert painted == plain.replace("^~", "<^~>")
