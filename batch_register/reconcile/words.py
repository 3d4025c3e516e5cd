"""A comparison in words, for a person who must act on it.

Decides: how each finding reads, and that what is foreign does nothing to a terminal.
Must not know: the terminal, JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
    UploadFound,
    UploadKind,
    Uploads,
)
from batch_register.reconcile.layout import Item, section, wrapped
from batch_register.reconcile.outcome import Deletion, Outcome, UploadDeletion
from batch_register.reconcile.removal import Obstacle
from batch_register.report.plain import printable

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
    Obstacle.GOES_ON: "the next run goes on with it",
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
_UPLOADS = {
    UploadKind.GOES_ON: "its file is on the way",
    UploadKind.ABANDONED: "a ledger has begun it, and no run goes on with it",
    UploadKind.UNKNOWN: "no given ledger names it",
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


def upload_reason(found: UploadFound) -> str:
    """Say why this upload stays; empty where it may be given up."""
    return "; ".join(_OBSTACLES[each] for each in found.obstacles)


def leftover_reason(leftover: Leftover) -> str:
    """Say why this image stays."""
    reasons = [_OBSTACLES[Obstacle.NAMED]]
    if leftover.view.is_protected:
        reasons.append(_OBSTACLES[Obstacle.PROTECTED])
    return "; ".join(reasons)


def render(findings: Findings, manifest_name: str, *, width: int | None) -> str:
    """Return all findings, the gist last; `width` in cells, None for no bound."""
    sections: tuple[tuple[str, Iterable[Item]], ...] = (
        ("late finishers", map(_late, findings.late)),
        ("orphans", map(_orphan, findings.orphans)),
        ("leftovers", map(_leftover, findings.leftovers)),
        ("duplicates", map(_duplicate, findings.duplicates)),
        ("drift", map(_drift, findings.drift)),
        ("open uploads", map(_upload, findings.uploads.found)),
        ("no trace in the cloud", map(_untraced, findings.untraced)),
        ("could not be looked at", map(_unseen, findings.unseen)),
    )
    text = "".join(section(title, list(items), width) for title, items in sections)
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
            (findings.uploads.stray, "stray upload", "stray uploads"),
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
    lines += _upload_lines(findings.uploads)
    return "".join(wrapped(line, width) for line in lines)


def _upload_lines(uploads: Uploads) -> list[str]:
    """Return what can be done about uploads, and what was not looked at."""
    lines = []
    if count := len(uploads.deletable):
        lines.append(f"  --delete-orphans may give up {count} of the uploads")
    if uploads.others:
        ends = "upload is" if uploads.others == 1 else "uploads are"
        lines.append(
            f"  {uploads.others} {ends} of objects that are not this manifest's"
        )
    if uploads.why_not:
        lines.append(f"  uploads were not looked at: {printable(uploads.why_not)}")
    lines += [
        f"  uploads to bucket {printable(bucket)} were not looked at: {printable(why)}"
        for bucket, why in uploads.unseen
    ]
    return lines


def deletable_words(
    orphans: Sequence[Orphan],
    uploads: Sequence[UploadFound] = (),
    *,
    width: int | None,
) -> str:
    """Return the list of what is about to be deleted."""
    items = [*map(_orphan, orphans), *map(_upload, uploads)]
    return section("to be deleted", items, width)


def deletion_words(
    deletions: Sequence[Deletion | UploadDeletion], *, width: int | None
) -> str:
    """Return what came of each deletion, and how many there were of each."""
    if not deletions:
        return "nothing was deleted\n"
    return section("deletions", [_deletion(each) for each in deletions], width)


# ------------------------------------------------------------ one finding each


def _late(late: LateFinisher) -> Item:
    now = "active" if late.is_active else "failed"
    written = f"not written: {late.why_not}" if late.why_not else "written"
    head = f"{late.key}: {late.was} in the ledger, {now} in the cloud; {written}"
    return head, (f"image {late.image_id}",)


def _orphan(orphan: Orphan) -> Item:
    view = orphan.view
    why = "; ".join(obstacle_words(each, view) for each in orphan.obstacles)
    fate = f"stays: {why}" if why else "may be deleted"
    return _image(view), (
        f"{_entry(orphan.key, view)}: {_KINDS[orphan.kind]}",
        fate,
    )


def _leftover(leftover: Leftover) -> Item:
    below = f"entry {leftover.key}: {_LEFTOVERS[leftover.kind]}"
    return _image(leftover.view), (below, f"stays: {leftover_reason(leftover)}")


def _duplicate(duplicate: Duplicate) -> Item:
    kept = duplicate.kept
    below = [f"counts: {_image(kept)}"]
    below += [f"further: {_image(view)}" for view in duplicate.others]
    if duplicate.in_ledger not in (None, kept.image_id):
        below.append(f"the ledger stands by {duplicate.in_ledger}")
    return f"{_entry(duplicate.key, kept)}: more than one live image", tuple(below)


def _drift(drift: Drift) -> Item:
    return f"{drift.key}: {drift.what}", (f"image {drift.image_id}",)


def _untraced(untraced: Untraced) -> Item:
    image = f"image {untraced.image_id} is not there" if untraced.image_id else ""
    head = f"{untraced.key}: {untraced.was} in the ledger; run again to settle it"
    return head, (image,) if image else ()


def _unseen(unseen: tuple[str, str]) -> Item:
    asked, why = unseen
    return asked, (why,)


def _upload(found: UploadFound) -> Item:
    why = upload_reason(found)
    head = f"{found.bucket}:{found.upload.key}  begun {found.upload.begun_at}"
    return head, (
        f"upload {found.upload.upload_id}",
        f"entry {found.key}: {_UPLOADS[found.kind]}",
        f"stays: {why}" if why else "may be given up",
    )


def _deletion(deletion: Deletion | UploadDeletion) -> Item:
    words = _OUTCOMES[deletion.outcome]
    reason = (deletion.reason,) if deletion.reason else ()
    if isinstance(deletion, Deletion):
        return f"{deletion.image_id}: {words}", reason
    place = f"{deletion.bucket}:{deletion.object}"
    return f"upload to {place}: {words}", (f"upload {deletion.upload_id}", *reason)


def _image(view: ImageView) -> str:
    status = view.raw_status or str(view.status)
    return f"{view.image_id}  {status}  {view.created_at}"


def _entry(key: EntryKey | None, view: ImageView) -> str:
    if key is not None:
        return f"entry {key}"
    return f"no entry that is known (name {view.name!r})"
