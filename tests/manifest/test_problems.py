from __future__ import annotations

from dataclasses import dataclass

from batch_register.errors import ManifestProblem
from batch_register.manifest.problems import MAX_PROBLEMS, Problems, place, shown


@dataclass
class At:
    line: int
    column: int


def test_places_count_from_one():
    assert [place(At(0, 0)), place(At(4, 7)), place(None)] == [(1, 1), (5, 8), (1, 1)]


def test_problems_come_in_file_order_and_once_each():
    problems = Problems()
    assert not problems
    problems.add(At(5, 2), "late", entry="b")
    problems.add(At(1, 9), "early")
    problems.add(At(1, 3), "earlier")
    problems.add(At(5, 2), "late", entry="c")
    assert problems
    error = problems.error("m.yaml")
    assert error.problems == (
        ManifestProblem(line=2, column=4, message="earlier"),
        ManifestProblem(line=2, column=10, message="early"),
        ManifestProblem(line=6, column=3, message="late", entry="b"),
    )
    assert str(error) == "m.yaml: 3 problems"


def test_the_hundred_and_first_problem_is_only_counted():
    problems = Problems()
    for line in range(5_000):
        problems.add(At(line, 0), "wrong")
        problems.add(At(0, 0), "wrong")
    shown_problems = problems.error("m.yaml").problems
    assert len(shown_problems) == MAX_PROBLEMS + 1
    assert shown_problems[-1] == ManifestProblem(
        line=101, column=1, message="and 4900 more: correct the ones above first"
    )


def test_text_of_the_file_is_shown_short_and_without_controls():
    assert shown("a\x1b[31m\u202eb") == "a\\x1b[31m\\u202eb"
    assert shown("x" * 60) == "x" * 60
    assert shown("x" * 61) == "x" * 57 + "..."
