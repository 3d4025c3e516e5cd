"""Decides, call by call, which rule of a fault script applies.

Counting is per rule (or per image or object, where the rule says so) and goes on
whether or not an earlier rule applied; the first rule that fires wins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from batch_register.simulator.draws import fraction
from batch_register.simulator.faults import (
    Effect,
    FaultScript,
    JobRule,
    Match,
    ObjectEntry,
    Rule,
)
from batch_register.simulator.objects import ObjectRule
from batch_register.simulator.registration import JobFate


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a rule may look at in a call."""

    route: str
    method: str
    template: str
    image_name: str | None
    image_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A rule that fired."""

    name: str
    effect: Effect


class FaultEngine:
    """A script together with how often each of its rules has matched."""

    def __init__(self, script: FaultScript) -> None:
        self._script = script
        self._seen: Counter[tuple[int, str]] = Counter()

    def decide(self, subject: Subject) -> Applied | None:
        """Count a call and return the rule that applies to it."""
        applied: Applied | None = None
        for number, rule in enumerate(self._script.rules):
            if not _concerns(rule.match, subject):
                continue
            label = (number, _counted_by(rule.match, subject))
            self._seen[label] += 1
            if applied is None and self._fires(rule.match, label):
                applied = Applied(name=_name(rule, number), effect=rule.effect)
        return applied

    def fate_of(self, image_url: str, nth: int) -> JobFate | None:
        """Return what the script decides about the nth job of an object."""
        for rule in self._script.jobs:
            if _job_concerns(rule, image_url, nth):
                return JobFate(
                    error_code=rule.code,
                    error_reason=rule.reason,
                    duration_s=rule.duration_s,
                )
        return None

    def object_rules(self) -> Iterable[ObjectRule]:
        """Return the script's objects as rules of the object store."""
        return [_object_rule(entry) for entry in self._script.objects]

    def _fires(self, match: Match, label: tuple[int, str]) -> bool:
        count = self._seen[label]
        if match.nth is not None and count not in match.nth:
            return False
        if count < match.from_ or (match.to is not None and count > match.to):
            return False
        if (count - match.from_) % match.every:
            return False
        # Drawn by count, so that other rules do not shift the draws.
        return fraction(self._script.seed, *label, count) < match.probability


def _concerns(match: Match, subject: Subject) -> bool:
    return (
        (match.route is None or subject.route in match.route)
        and (match.method is None or subject.method in match.method)
        and (match.path is None or match.path == subject.template)
        and _fits(match.image, subject.image_name)
        and _fits(match.object, subject.image_url)
    )


def _fits(pattern: str | None, text: str | None) -> bool:
    return pattern is None or (text is not None and fnmatchcase(text, pattern))


def _counted_by(match: Match, subject: Subject) -> str:
    match match.per:
        case "image":
            return subject.image_name or ""
        case "object":
            return subject.image_url or ""
        case _:
            return ""


def _name(rule: Rule, number: int) -> str:
    return rule.name or f"rule {number + 1}"


def _job_concerns(rule: JobRule, image_url: str, nth: int) -> bool:
    meant = rule.nth is None or nth in rule.nth
    return meant and fnmatchcase(image_url, rule.object)


def _object_rule(entry: ObjectEntry) -> ObjectRule:
    given = entry.model_dump(exclude={"object"}, exclude_none=True)
    return ObjectRule(pattern=entry.object, changes=tuple(given.items()))
