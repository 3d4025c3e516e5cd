"""Which tests say that they show which fault class, read from their source.

`python -m tests.documentation.fault_classes` lists them.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def shown_by() -> dict[int, set[str]]:
    """Return the tests by fault class, as `folder/test_file.py::test_name`."""
    found: dict[int, set[str]] = defaultdict(set)
    for path in sorted(TESTS.rglob("test_*.py")):
        tree = ast.parse(path.read_text())
        values = dict(_marked_values(tree))
        for name, test in _tests_in(tree.body):
            for number in _numbers_of(test, values):
                found[number].add(f"{path.relative_to(TESTS).as_posix()}::{name}")
    return dict(found)


def _tests_in(body: list[ast.stmt]) -> Iterator[tuple[str, _Function]]:
    """Yield the tests of a module or class, those in a class with its name before."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            for name, test in _tests_in(node.body):
                yield f"{node.name}::{name}", test
        elif isinstance(node, _Function) and node.name.startswith("test_"):
            yield node.name, node


def _marked_values(tree: ast.Module) -> Iterator[tuple[str, set[int]]]:
    """Yield module-level names whose values hold marks, such as lists of parameters."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            numbers = set(_numbers_in(node.value))
            for target in targets:
                if isinstance(target, ast.Name) and numbers:
                    yield target.id, numbers


def _numbers_of(function: _Function, values: dict[str, set[int]]) -> set[int]:
    """Return the classes that a test's decorators, or its module's mark, name."""
    numbers = set(values.get("pytestmark", ()))
    for decorator in function.decorator_list:
        numbers.update(_numbers_in(decorator))
        for node in ast.walk(decorator):
            if isinstance(node, ast.Name):
                numbers.update(values.get(node.id, ()))
    return numbers


def _numbers_in(tree: ast.AST) -> Iterator[int]:
    """Yield the numbers of every `pytest.mark.fault(...)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.fault":
            for constant in (each for arg in node.args for each in ast.walk(arg)):
                value = constant.value if isinstance(constant, ast.Constant) else None
                if isinstance(value, int):
                    yield value


if __name__ == "__main__":
    for number, tests in sorted(shown_by().items()):
        print(number, *sorted(tests), sep="\n  ")
