"""The fault script: what shall go wrong, when, and to whom; read and checked.

A script is YAML. It is checked strictly and completely: every mistake is reported with
its line, because a rule that silently never fires proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from batch_register.simulator.objects import StorageClass


class FaultScriptError(ValueError):
    """A fault script cannot be used; ``problems`` has one line for each reason."""

    def __init__(self, source: str, problems: list[str]) -> None:
        super().__init__(f"{source}: " + "; ".join(problems))
        self.problems = problems


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


Numbers = Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(_listed)]
Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Match(_Part):
    """Which calls a rule means; criteria that are left out match everything."""

    route: Names | None = None
    method: Names | None = None
    path: str | None = None  # a template such as /v2/images/{image_id}
    image: str | None = None  # glob over the image's name
    object: str | None = None  # glob over bucket:key
    nth: Numbers | None = None  # counted among the calls that match, from 1
    from_: Annotated[int, Field(ge=1, alias="from")] = 1
    to: Annotated[int, Field(ge=1)] | None = None
    every: Annotated[int, Field(ge=1)] = 1
    per: Literal["rule", "image", "object"] = "rule"
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0


class Effect(_Part):
    """What happens to a call; several parts may be combined."""

    status: Annotated[int, Field(ge=200, le=599)] | None = None
    body: Literal["ims", "gateway", "plain", "iam", "html", "empty"] | None = None
    code: str | None = None
    message: str | None = None
    text: str | None = None  # the whole body, instead of a shape
    retry_after_s: int | None = None
    retry_after_date_s: int | None = None  # the same as a date, seconds from now
    location: str | None = None
    delay_s: Annotated[float, Field(ge=0)] = 0.0  # before the call takes effect
    delay_answer_s: Annotated[float, Field(ge=0)] = 0.0  # after it took effect
    drop: Literal["before", "after"] | None = None
    truncate: Literal["json", "transfer"] | None = None
    html_200: bool = False
    revoke_tokens: bool = False
    execute: bool = False  # let the call take effect before a faked answer

    @property
    def fakes_answer(self) -> bool:
        """Whether the call is answered by the script instead of the service."""
        return self.status is not None or self.html_200

    @model_validator(mode="after")
    def _makes_sense(self) -> Effect:
        replaced = (self.status, self.drop, self.truncate, self.html_200 or None)
        answers = len(replaced) - replaced.count(None)
        slows = self.delay_s or self.delay_answer_s
        if answers > 1:
            message = "status, drop, truncate and html_200 exclude one another"
            raise ValueError(message)
        if not (answers or slows or self.revoke_tokens):
            message = "an effect must do something"
            raise ValueError(message)
        if self.execute and not self.fakes_answer:
            message = "execute needs a faked answer: status or html_200"
            raise ValueError(message)
        return self


class Rule(_Part):
    """One fault."""

    name: str | None = None
    match: Match = Match()
    effect: Effect


class JobRule(_Part):
    """What becomes of the jobs of some objects."""

    object: str
    nth: Numbers | None = None  # which job of the same object, from 1
    code: str | None = None  # the job ends FAIL with it
    reason: str = "the import failed"
    duration_s: Annotated[float, Field(ge=0)] | None = None


class ObjectEntry(_Part):
    """Properties of the objects whose ``bucket:key`` the glob matches."""

    object: str
    missing: bool | None = None
    size_bytes: Annotated[int, Field(ge=0)] | None = None
    storage_class: StorageClass | None = None
    region: str | None = None
    format: str | None = None
    virtual_size_bytes: Annotated[int, Field(ge=0)] | None = None
    forbidden: bool | None = None
    encrypted: bool | None = None
    detected_os: str | None = None


class FaultScript(_Part):
    """A whole script."""

    version: Literal[1] = 1
    seed: int = 0
    rules: tuple[Rule, ...] = ()
    jobs: tuple[JobRule, ...] = ()
    objects: tuple[ObjectEntry, ...] = ()

    @classmethod
    def load(cls, path: Path) -> FaultScript:
        """Read a script from a file.

        Raises:
            FaultScriptError: the file cannot be read, or its content is wrong.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise FaultScriptError(str(path), [str(error)]) from error
        return cls.parse(text, source=str(path))

    @classmethod
    def parse(cls, text: str, *, source: str = "fault script") -> FaultScript:
        """Read a script from text.

        Raises:
            FaultScriptError: with every mistake and its line.
        """
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            document = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise FaultScriptError(source, [" ".join(str(error).split())]) from error
        repeated = list(_repeated_keys(node))
        if repeated:
            raise FaultScriptError(source, repeated)
        try:
            return cls.model_validate({} if document is None else document)
        except ValidationError as error:
            problems = [_problem(item, node) for item in error.errors()]
            raise FaultScriptError(source, problems) from error

    def check_routes(self, known: frozenset[str], source: str) -> None:
        """Refuse rules for routes that do not exist.

        Raises:
            FaultScriptError: with the names that are known.
        """
        named = {n for rule in self.rules for n in rule.match.route or ()}
        unknown = sorted(named - known)
        if unknown:
            problem = f"unknown routes {unknown}; known are {sorted(known)}"
            raise FaultScriptError(source, [problem])


def _repeated_keys(node: yaml.Node | None) -> Iterator[str]:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated_keys(item)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield f"line {key.start_mark.line + 1}: {key.value} is given twice"
            seen.add(key.value)
            yield from _repeated_keys(value)


def _problem(item: object, node: yaml.Node | None) -> str:
    # pydantic's error details are a TypedDict of its own core module.
    details = dict(item) if isinstance(item, dict) else {}
    steps = tuple(details.get("loc", ()))
    where = ".".join(str(step) for step in steps) or "the script"
    return f"line {_line(node, steps)}: {where}: {details.get('msg')}"


def _line(node: yaml.Node | None, steps: tuple[object, ...]) -> int:
    line = 1
    for step in steps:
        found = _child(node, step)
        if found is None:
            break
        key, node = found
        line = key.start_mark.line + 1
    return line


def _child(node: yaml.Node | None, step: object) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        item = node.value[step]
        return item, item
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key, value
    return None
