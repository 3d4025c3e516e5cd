"""The mutants that mutmut does not make, each as one edit of a module's text.

mutmut changes what stands inside plain functions. Here are the tables, constants and
decorated functions beside them, and inside functions what it leaves out: conditions
that always or never hold, operands, members of enums, f-strings, whole statements.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Edit:
    """One mutant: these bytes of the text replaced by others."""

    scope: str
    start: int
    end: int
    new: bytes
    left_out: bytes = b""  # the row or member that is missing, where that is all

    def of(self, text: bytes) -> bytes:
        return text[: self.start] + self.new + text[self.end :]

    def told(self, text: bytes) -> str:
        """Return the mutant on one line."""
        if self.left_out:
            return f"{self.scope}: without `{_on_one_line(self.left_out)}`"
        old = _on_one_line(text[self.start : self.end])
        return f"{self.scope}: `{old}` → `{_on_one_line(self.new)}`"


def _on_one_line(text: bytes) -> str:
    return " ".join(text.decode().split())


def edits(text: bytes, names: Mapping[str, object]) -> list[Edit]:
    """Return all mutants of a module with this text and these names in it."""
    finder = _Finder(text, names)
    finder.visit(ast.parse(text))
    return list(dict.fromkeys(finder.found))


class _Finder(ast.NodeVisitor):
    def __init__(self, text: bytes, names: Mapping[str, object]) -> None:
        self._text = text
        self._names = names
        lengths = [len(line) for line in text.splitlines(keepends=True)]
        self._begins = [sum(lengths[:number]) for number in range(len(lengths))]
        self._scope: list[str] = []
        self._is_mutmuts = False  # a plain function: constants are changed by mutmut
        self.found: list[Edit] = []

    def _span(self, node: ast.AST) -> tuple[int, int]:
        assert isinstance(node, ast.expr | ast.stmt | ast.pattern)
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self._begins[node.lineno - 1] + node.col_offset
        return start, self._begins[node.end_lineno - 1] + node.end_col_offset

    def _old(self, node: ast.AST) -> bytes:
        start, end = self._span(node)
        return self._text[start:end]

    def _put(self, node: ast.AST, *news: bytes, left_out: bytes = b"") -> None:
        scope = ".".join(self._scope)
        for new in news:
            if new != self._old(node):
                self.found.append(Edit(scope, *self._span(node), new, left_out))

    # ------------------------------------------------------------ where we are

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        before, self._is_mutmuts = self._is_mutmuts, not node.decorator_list
        self._inside(node.name, node.body)
        self._is_mutmuts = before

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._inside(node.name, node.body)

    def _inside(self, name: str, body: Sequence[ast.AST]) -> None:
        self._scope.append(name)
        for child in body:
            self.visit(child)
        self._scope.pop()

    def visit_Assign(self, node: ast.Assign) -> None:
        self._inside(ast.unparse(node.targets[0]), [node.value])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._inside(ast.unparse(node.target), [node.value] if node.value else [])

    # ------------------------------------------------------------ everywhere

    def visit_If(self, node: ast.If) -> None:
        self._put(node.test, b"True", b"False")
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._put(test, b"True", b"False")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        word = b" and " if isinstance(node.op, ast.And) else b" or "
        for left_out in node.values:
            kept = [b"(%b)" % self._old(v) for v in node.values if v is not left_out]
            self._put(node, b"(%b)" % word.join(kept))
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.BitOr):
            self._put(node, self._old(node.left), self._old(node.right))
        self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self._put(node, self._old(node).replace(b'"', b'"XX', 1))
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # else a docstring
            self._put(node, b"pass")
            self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        self._put(node, b"pass")

    def visit_Raise(self, node: ast.Raise) -> None:
        self._put(node, b"pass")
        self.generic_visit(node)

    def visit_MatchSingleton(self, node: ast.MatchSingleton) -> None:
        self._put(node, b"_")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        base = self._names.get(node.value.id) if isinstance(node.value, ast.Name) else 0
        if isinstance(base, enum.EnumType):
            members = [*base, *base][: len(base) + 1]
            following = {a.name: b.name for a, b in pairwise(members)}
            if node.attr in following:
                self._put(node, f"{base.__name__}.{following[node.attr]}".encode())

    # ------------------------------------------------------------ beside functions

    def visit_Constant(self, node: ast.Constant) -> None:
        if not self._is_mutmuts:
            self._put(node, *_other_constants(node.value))

    def visit_Tuple(self, node: ast.Tuple) -> None:
        self._rows(node, node.elts, b"(%b,)", b"()")

    def visit_Set(self, node: ast.Set) -> None:
        self._rows(node, node.elts, b"{%b}", b"set()")

    def _rows(
        self, node: ast.expr, rows: Sequence[ast.expr], form: bytes, empty: bytes
    ) -> None:
        for left in rows if not self._is_mutmuts else ():
            kept = [self._old(row) for row in rows if row is not left]
            new = form % b", ".join(kept) if kept else empty
            self._put(node, new, left_out=self._old(left))
        for row in rows:  # a tuple among rows is one of them, and whole
            self.generic_visit(row) if isinstance(row, ast.Tuple) else self.visit(row)

    def visit_Dict(self, node: ast.Dict) -> None:
        pairs = [(k, v) for k, v in zip(node.keys, node.values, strict=True) if k]
        rows = [(self._old(key), self._old(value)) for key, value in pairs]
        for number in range(len(rows)) if not self._is_mutmuts else ():
            row = b"%b: %b" % rows[number]
            kept = [b"%b: %b" % one for n, one in enumerate(rows) if n != number]
            self._put(node, b"{%b}" % b", ".join(kept), left_out=row)
            others = [v for _, v in (*rows[number:], *rows) if v != rows[number][1]]
            self._put(node.values[number], *others[:1])
        for key, value in pairs:
            if not isinstance(key, ast.Tuple):
                self.visit(key)
            self.visit(value)

    def visit_Call(self, node: ast.Call) -> None:
        is_pattern = self._old(node.func) == b"re.compile"
        if is_pattern and len(node.args) > 1:
            self._put(node, b"re.compile(%b)" % self._old(node.args[0]))
        self.generic_visit(node)


def _other_constants(value: object) -> list[bytes]:
    """Return what may stand in place of a constant; of a list of codes, one less."""
    match value:
        case bool():
            others: list[object] = [not value]
        case int():
            others = [value + 1]
        case bytes():
            others = [b"XX" + value]
        case str() if value and all("." in word for word in value.split()):
            others = _one_less(value.split(), " ")
        case str() if "|" in value and "(" not in value:
            others = _one_less(value.split("|"), "|")
        case str():
            others = ["XX" + value]
        case _:
            others = []
    return [repr(one).encode() for one in others]


def _one_less(parts: Sequence[str], joint: str) -> list[object]:
    return [joint.join(part for part in parts if part != left) for left in parts]
