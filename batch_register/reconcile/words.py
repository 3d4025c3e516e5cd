"""A comparison in words, for a person who must act on it.

Decides: how each finding reads, and that what is foreign does nothing to a terminal.
Must not know: the terminal, JSON.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from batch_register.model import EntryKey, ImageView
from batch_register.reconcile.findings import (
    Drift,
    Duplicate,
    Findings,
    LateFinisher,
    Leftover,
    LeftoverKind,
    Orphan,
    OrphanKind,
    Untraced,
)
from batch_register.reconcile.outcome import Deletion, Outcome
from batch_register.reconcile.removal import Obstacle
from batch_register.report.plain import printable

_UNBOUND = 10_000  # cells: without a terminal nothing is wrapped
_OBSTACLES = {
    Obstacle.NO_LEDGER: "no ledger tells which images are in use",
    Obstacle.NO_ENTRIES: "the ledger holds no entries, so it tells of no image in use",
    Obstacle.FOREIGN: "it does not carry this manifest's tag",
    Obstacle.NO_ENTRY: "it has no br-entry tag",
    Obstacle.NO_SPEC: "it has no br-spec tag",
    Obstacle.PROTECTED: "it is protected",
    Obstacle.NAMED: "a ledger names it",
    Obstacle.OTHER_SHARD: "a ledger of its shard was not given",
    Obstacle.OPEN_CALL: "a ledger leaves a call for its entry open",
    Obstacle.RUNNING_JOB: "a job of its entry runs or could not be asked for",
    Obstacle.YOUNG: "it is not older than --orphan-age and the image deadline",
    Obstacle.AGE_UNKNOWN: "its age is not known",
}
_KINDS = {
    OrphanKind.UNNAMED: "no given ledger names it",
    OrphanKind.REMOVED: "the manifest no longer has its entry",
}
_LEFTOVERS = {
    LeftoverKind.DEAD: "of an attempt that failed, and kept",
    LeftoverKind.DUPLICATE: "a ledger names it as a further image",
    LeftoverKind.MENTIONED: "a ledger names it, yet its entry does not stand by it",
}
_OUTCOMES = {
    Outcome.DELETED: "deleted",
    Outcome.KEPT: "not deleted",
    Outcome.UNCLEAR: (
        "unclear whether it was deleted: the answer was lost; reconcile again to see"
    ),
    Outcome.NOT_TRIED: "not tried",
}


def obstacle_words(obstacle: Obstacle, view: ImageView) -> str:
    """Say what stands in the way of deleting this image."""
    if obstacle is Obstacle.ALIVE:
        return f"it is {view.raw_status or view.status}"
    return _OBSTACLES[obstacle]


def leftover_reason(leftover: Leftover) -> str:
    """Say why this image stays."""
    reasons = [_OBSTACLES[Obstacle.NAMED]]
    if leftover.view.is_protected:
        reasons.append(_OBSTACLES[Obstacle.PROTECTED])
    return "; ".join(reasons)


def render(findings: Findings, manifest_name: str, *, width: int | None) -> str:
    """Return all findings, the gist last; `width` in cells, None for no bound."""
    sections: tuple[tuple[str, Iterable[_Item]], ...] = (
        ("late finishers", map(_late, findings.late)),
        ("orphans", map(_orphan, findings.orphans)),
        ("leftovers", map(_leftover, findings.leftovers)),
        ("duplicates", map(_duplicate, findings.duplicates)),
        ("drift", map(_drift, findings.drift)),
        ("no trace in the cloud", map(_untraced, findings.untraced)),
        ("could not be looked at", map(_unseen, findings.unseen)),
    )
    text = "".join(_section(title, list(items), width) for title, items in sections)
    return text + gist(findings, manifest_name, width=width)


def gist(findings: Findings, manifest_name: str, *, width: int | None) -> str:
    """Return what the findings come to, and what can be done about them."""
    counts = ", ".join(
        f"{len(found)} {one if len(found) == 1 else many}"
        for found, one, many in (
            (findings.late, "late finisher", "late finishers"),
            (findings.orphans, "orphan", "orphans"),
            (findings.leftovers, "leftover", "leftovers"),
            (findings.duplicates, "duplicate", "duplicates"),
            (findings.drift, "difference", "differences"),
            (findings.untraced, "without a trace", "without a trace"),
            (findings.unseen, "not seen", "not seen"),
        )
        if found
    )
    lines = [f"{printable(manifest_name)}: {counts or 'ledger and cloud agree'}"]
    deletable = len(findings.deletable)
    if deletable:
        lines.append(f"  --delete-orphans may delete {deletable} of the orphans")
    if findings.elsewhere:
        images = "image is" if findings.elsewhere == 1 else "images are"
        lines.append(
            f"  {findings.elsewhere} {images} of other shards and not compared: "
            "give their ledgers with --ledger"
        )
    return "".join(_wrapped(line, width) for line in lines)


def deletable_words(orphans: Sequence[Orphan], *, width: int | None) -> str:
    """Return the list of what is about to be deleted."""
    return _section("to be deleted", [_orphan(orphan) for orphan in orphans], width)


def deletion_words(deletions: Sequence[Deletion], *, width: int | None) -> str:
    """Return what came of each deletion, and how many there were of each."""
    if not deletions:
        return "nothing was deleted\n"
    return _section("deletions", [_deletion(each) for each in deletions], width)


# ------------------------------------------------------------ one finding each

# A heading line, and lines below it.
_Item = tuple[str, tuple[str, ...]]


def _late(late: LateFinisher) -> _Item:
    now = "active" if late.is_active else "failed"
    written = f"not written: {late.why_not}" if late.why_not else "written"
    head = f"{late.key}: {late.was} in the ledger, {now} in the cloud; {written}"
    return head, (f"image {late.image_id}",)


def _orphan(orphan: Orphan) -> _Item:
    view = orphan.view
    why = "; ".join(obstacle_words(each, view) for each in orphan.obstacles)
    fate = f"stays: {why}" if why else "may be deleted"
    return _image(view), (
        f"{_entry(orphan.key, view)}: {_KINDS[orphan.kind]}",
        fate,
    )


def _leftover(leftover: Leftover) -> _Item:
    below = f"entry {leftover.key}: {_LEFTOVERS[leftover.kind]}"
    return _image(leftover.view), (below, f"stays: {leftover_reason(leftover)}")


def _duplicate(duplicate: Duplicate) -> _Item:
    kept = duplicate.kept
    below = [f"counts: {_image(kept)}"]
    below += [f"further: {_image(view)}" for view in duplicate.others]
    if duplicate.in_ledger not in (None, kept.image_id):
        below.append(f"the ledger stands by {duplicate.in_ledger}")
    return f"{_entry(duplicate.key, kept)}: more than one live image", tuple(below)


def _drift(drift: Drift) -> _Item:
    return f"{drift.key}: {drift.what}", (f"image {drift.image_id}",)


def _untraced(untraced: Untraced) -> _Item:
    image = f"image {untraced.image_id} is not there" if untraced.image_id else ""
    head = f"{untraced.key}: {untraced.was} in the ledger; run again to settle it"
    return head, (image,) if image else ()


def _unseen(unseen: tuple[str, str]) -> _Item:
    asked, why = unseen
    return asked, (why,)


def _deletion(deletion: Deletion) -> _Item:
    words = _OUTCOMES[deletion.outcome]
    reason = (deletion.reason,) if deletion.reason else ()
    return f"{deletion.image_id}: {words}", reason


def _image(view: ImageView) -> str:
    status = view.raw_status or str(view.status)
    return f"{view.image_id}  {status}  {view.created_at}"


def _entry(key: EntryKey | None, view: ImageView) -> str:
    if key is not None:
        return f"entry {key}"
    return f"no entry that is known (name {view.name!r})"


# ------------------------------------------------------------ layout


def _section(title: str, items: Sequence[_Item], width: int | None) -> str:
    if not items:
        return ""
    lines = [f"{title} ({len(items)})\n"]
    for head, below in items:
        lines.append(_wrapped(f"  {printable(head)}", width))
        lines += [_wrapped(f"    {printable(line)}", width) for line in below]
    return "".join(lines) + "\n"


def _wrapped(line: str, width: int | None) -> str:
    """Return a line broken between words so that it fits, its indent kept."""
    return "\n".join(_pieces(line, width)) + "\n"


def _pieces(line: str, width: int | None) -> Iterator[str]:
    text = line.lstrip(" ")
    indent = " " * (len(line) - len(text))
    yield from textwrap.wrap(
        text,
        width or _UNBOUND,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
        drop_whitespace=True,
    )
