"""Where ledger, manifest and cloud differ about one entry.

Decides: which differences count, and how each is worded. What the cloud does not show
is no difference. Must not know: how anything was read, other entries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from batch_register.entry import EntryRecord
from batch_register.model import (
    ENTRY_TAG,
    MANIFEST_TAG,
    SPEC_TAG,
    EntryKey,
    ImageId,
    ImageSpec,
    ImageView,
    spec_digest,
)
from batch_register.reconcile.findings import Drift, DriftKind
from batch_register.reconcile.known import Holding, Known
from batch_register.stage import Active, Failed


def differences(holding: Holding, view: ImageView | None, known: Known) -> list[Drift]:
    """Return how an entry's image, as the cloud shows it, differs from what should be.

    `view` is that of the image that the record stands by; None where there is none.
    """
    match holding.record.stage:
        case Active(image_id=image_id):
            return list(_active(holding, image_id, view, known))
        case Failed(image_id=image_id) if view is not None and view.is_usable:
            code = holding.record.stage.fault.code
            what = f"failed in the ledger ({code}), yet its image is active"
            return [_drift(holding, DriftKind.REVIVED, image_id, what)]
        case _:
            return []


def other_spec(holding: Holding, found: ImageView, known: Known) -> list[Drift]:
    """Return the difference that an image found by its tag was made from another spec."""
    record = holding.record
    spec = known.specs.get(record.key)
    expected = {record.made_spec}
    if spec is not None:
        expected.add(spec_digest(spec))
    if found.tag(SPEC_TAG) in expected:
        return []
    what = f"image {found.image_id} carries its tag but was made from another spec"
    return [_drift(holding, DriftKind.OTHER_SPEC, found.image_id, what)]


def renamed(
    holding: Holding, known: Known, unheld: Mapping[str, EntryKey]
) -> list[Drift]:
    """Return that a removed entry seems to be in the manifest under another key.

    `unheld` are the manifest's entries of which no ledger holds an image, each by its
    spec digest and by its source.
    """
    record = holding.record
    if record.key in known.specs or record.image_id is None:
        return []
    now = unheld.get(record.made_spec or "") or unheld.get(record.image_url)
    if now is None:
        return []
    what = _renamed_words(record, known.specs[now])
    return [_drift(holding, DriftKind.RENAMED, record.image_id, what)]


def _renamed_words(record: EntryRecord, now: ImageSpec) -> str:
    """Say what a run makes of a new key: it stops only where name and source are kept."""
    if (now.name, now.image_url) == (record.name, record.image_url):
        return (
            f"the manifest has the same name and source as {now.key!r} now: a run makes "
            "nothing of it (conflict renamed-key) while the image is there; give the "
            "entry its old key back, or delete the image"
        )
    return (
        f"the manifest has the same source as {now.key!r} now, with the name {now.name!r} "
        f"instead of {record.name!r}: a run would make a second image; give the entry "
        "its old key back"
    )


def _active(
    holding: Holding, image_id: ImageId, view: ImageView | None, known: Known
) -> Iterator[Drift]:
    record = holding.record
    spec = known.specs.get(record.key)
    if spec is not None and spec_digest(spec) != record.made_spec:
        what = (
            f"the manifest was edited after the image was made: {_edits(record, spec)}"
        )
        yield _drift(holding, DriftKind.CHANGED, image_id, what)
    if record.has_other_source:
        yield _other_source(holding, image_id)
    if view is None or view.is_gone:
        what = "active in the ledger, but the image is gone"
        if spec is not None:
            what += (
                ", and no run makes it again: give the entry a new key, or restore the "
                "image"
            )
        yield _drift(holding, DriftKind.GONE, image_id, what)
        return
    if not view.is_usable:
        seen = view.raw_status or str(view.status)
        lacks = "active without data" if seen == "active" else seen
        what = f"active in the ledger, but the image is {lacks}"
        yield _drift(holding, DriftKind.NOT_ACTIVE, image_id, what)
    yield from _tags(holding, view, known)
    if spec is not None and spec_digest(spec) == record.made_spec:
        yield from _fields(holding, view, spec)


def _other_source(holding: Holding, image_id: ImageId) -> Drift:
    record = holding.record
    made, now = record.made_source, record.source
    which = (
        "the object in the bucket"
        if record.has_other_object
        else "the file that was uploaded"
    )
    what = (
        f"{which} has changed since the image was made of it: put the old one back, or "
        "give the entry a new key and name to make an image of this one, or let the "
        "image be as it is by run --accept-sources"
    )
    etags = (made.etag if made else "", now.etag if now else "")
    return _drift(holding, DriftKind.OTHER_SOURCE, image_id, what, etags)


def _edits(record: EntryRecord, spec: ImageSpec) -> str:
    """Say what was edited, as far as the ledger can tell: it keeps source and name."""
    made_url, made_name = record.made_url, record.made_name
    if record.declared_spec == record.made_spec:  # no run has recorded the edit yet
        made_url, made_name = record.image_url, record.name
    edits = [
        f"{field} was {old!r}, is {new!r}"
        for field, old, new in (
            ("source", made_url, spec.image_url),
            ("name", made_name, spec.name),
        )
        if old and old != new
    ]
    return "; ".join(edits) or "its spec differs"


def _tags(holding: Holding, view: ImageView, known: Known) -> Iterator[Drift]:
    record = holding.record
    made_spec = view.tag(SPEC_TAG)
    if made_spec is not None and made_spec != record.made_spec:
        what = "the image was made from another spec than the ledger says"
        yield _drift(
            holding,
            DriftKind.OTHER_SPEC,
            view.image_id,
            what,
            (record.made_spec or "", made_spec),
        )
    ours = ((MANIFEST_TAG, known.manifest_name), (ENTRY_TAG, known.tag_of(record.key)))
    lost = [name for name, value in ours if view.tag(name) != value]
    if made_spec is None:
        lost.append(SPEC_TAG)
    if lost:
        what = (
            f"the image lacks our tags {', '.join(lost)}: without the ledger it would "
            "not be found again"
        )
        yield _drift(holding, DriftKind.TAGS, view.image_id, what)


def _fields(holding: Holding, view: ImageView, spec: ImageSpec) -> Iterator[Drift]:
    # what `auto` came to stands in no manifest
    min_disk_gb = None if spec.min_disk_is_auto else view.min_disk_gb
    shown: tuple[tuple[str, object, object], ...] = (
        ("name", spec.name, view.name or None),
        ("min_disk", spec.min_disk_gb, min_disk_gb),
        ("min_ram", spec.min_ram_mb, view.min_ram_mb),
        ("protected", spec.protected, view.is_protected),
    )
    for field, expected, found in shown:
        if found is not None and found != expected:
            what = f"{field} is {_word(found)} in the cloud, {_word(expected)} here"
            yield _drift(
                holding,
                DriftKind.FIELD,
                view.image_id,
                what,
                (_word(expected), _word(found)),
            )


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _drift(
    holding: Holding,
    kind: DriftKind,
    image_id: ImageId | None,
    what: str,
    values: tuple[str, str] = ("", ""),
) -> Drift:
    return Drift(
        key=holding.record.key,
        kind=kind,
        ledger=holding.ledger.path,
        image_id=image_id,
        what=what,
        expected=values[0],
        found=values[1],
    )
