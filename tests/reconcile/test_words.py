"""A comparison as a person reads it, and as a program does."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from batch_register.entry import EntryState
from batch_register.model import EntryKey, ImageStatus, Target
from batch_register.reconcile import (
    Deletion,
    Findings,
    LateFinisher,
    Orphan,
    Outcome,
    UploadDeletion,
    Uploads,
)
from batch_register.reconcile.document import document
from batch_register.reconcile.findings import (
    Drift,
    DriftKind,
    Duplicate,
    Leftover,
    LeftoverKind,
    OrphanKind,
    Untraced,
    UploadKind,
)
from batch_register.reconcile.outcome import Hindrance
from batch_register.reconcile.removal import Obstacle
from batch_register.reconcile.words import (
    deletable_words,
    deletion_words,
    gist,
    obstacle_words,
    render,
)
from batch_register.report.plain import width_of
from tests.reconcile.scenes import JOB, KEY, LEDGER, NAME, ONE, TWO, view
from tests.reconcile.upload_scenes import BUCKET, OBJECT, found

S = ImageStatus
MAY_GO = Orphan(
    view=view(TWO, S.QUEUED), kind=OrphanKind.UNNAMED, key=KEY, obstacles=()
)
STAYS = Orphan(
    view=view(ONE, name="evil\x1b[2J", status=S.ACTIVE),
    kind=OrphanKind.REMOVED,
    key=None,
    obstacles=(Obstacle.ALIVE, Obstacle.NAMED),
)
UPLOADS = Uploads(
    found=(
        found("u1", UploadKind.GOES_ON, obstacles=(Obstacle.GOES_ON,)),
        found("u2", UploadKind.UNKNOWN, obstacles=(Obstacle.YOUNG,)),
        found("u\x1b3"),
    ),
    others=2,
    unseen=(("far", "HTTP 403 obs.AccessDenied: no"),),
)
EVERYTHING = Findings(
    orphans=(MAY_GO, STAYS),
    leftovers=(
        Leftover(
            view=view(TWO, S.KILLED, is_protected=True), kind=LeftoverKind.DEAD, key=KEY
        ),
        Leftover(view=view(TWO, S.QUEUED), kind=LeftoverKind.MENTIONED, key=KEY),
    ),
    duplicates=(
        Duplicate(key=KEY, kept=view(), others=(view(TWO, S.QUEUED),), in_ledger=TWO),
        Duplicate(key=KEY, kept=view(), others=(view(TWO),), in_ledger=ONE),
        Duplicate(key=None, kept=view(), others=(view(TWO),), in_ledger=None),
    ),
    drift=(
        Drift(
            key=KEY,
            kind=DriftKind.FIELD,
            ledger=LEDGER,
            image_id=ONE,
            what="min_disk is 100 in the cloud, 40 here",
            expected="40",
            found="100",
        ),
    ),
    late=(
        LateFinisher(
            key=KEY, ledger=LEDGER, was=EntryState.UNKNOWN, image_id=ONE, is_active=True
        ),
        LateFinisher(
            key=EntryKey("db-01"),
            ledger="b.jsonl",
            was=EntryState.UNFINISHED,
            image_id=TWO,
            is_active=False,
            why_not="this ledger is not the one written to",
        ),
    ),
    untraced=(
        Untraced(key=KEY, ledger=LEDGER, was=EntryState.UNKNOWN, image_id=ONE),
        Untraced(key=KEY, ledger=LEDGER, was=EntryState.UNFINISHED, image_id=None),
    ),
    unseen=((JOB, "HTTP 500 IMG.0001: no answer"),),
    uploads=UPLOADS,
)
TEXT = f"""\
late finishers (2)
  web-01: unknown in the ledger, active in the cloud; written
    image {ONE}
  db-01: unfinished in the ledger, failed in the cloud; not written: this ledger
    is not the one written to
    image {TWO}

orphans (2)
  {TWO}  queued  2026-09-01T01:00:00Z
    entry web-01: no given ledger names it
    may be deleted
  {ONE}  active  2026-09-01T01:00:00Z
    no entry that is known (name 'evil\\x1b[2J'): the manifest no longer has its
      entry
    stays: it is active; a ledger names it

leftovers (2)
  {TWO}  killed  2026-09-01T01:00:00Z
    entry web-01: of an attempt that failed, and kept
    stays: a ledger names it; it is protected
  {TWO}  queued  2026-09-01T01:00:00Z
    entry web-01: a ledger names it, yet its entry does not stand by it
    stays: a ledger names it

duplicates (3)
  entry web-01: more than one live image
    counts: {ONE}  active  2026-09-01T01:00:00Z
    further: {TWO}  queued  2026-09-01T01:00:00Z
    the ledger stands by {TWO}
  entry web-01: more than one live image
    counts: {ONE}  active  2026-09-01T01:00:00Z
    further: {TWO}  active  2026-09-01T01:00:00Z
  no entry that is known (name 'web-01'): more than one live image
    counts: {ONE}  active  2026-09-01T01:00:00Z
    further: {TWO}  active  2026-09-01T01:00:00Z

drift (1)
  web-01: min_disk is 100 in the cloud, 40 here
    image {ONE}

open uploads (3)
  disks:wave/web-01.qcow2  begun 2026-09-07T00:00:00Z
    upload u1
    entry web-01: its file is on the way
    stays: the next run goes on with it
  disks:wave/web-01.qcow2  begun 2026-09-07T00:00:00Z
    upload u2
    entry web-01: no given ledger names it
    stays: it is not older than --orphan-age and the image deadline
  disks:wave/web-01.qcow2  begun 2026-09-07T00:00:00Z
    upload u\\x1b3
    entry web-01: a ledger has begun it, and no run goes on with it
    may be given up

no trace in the cloud (2)
  web-01: unknown in the ledger; run again to settle it
    image {ONE} is not there
  web-01: unfinished in the ledger; run again to settle it

could not be looked at (1)
  job-1
    HTTP 500 IMG.0001: no answer

wave-07: 2 late finishers, 2 orphans, 2 leftovers, 3 duplicates, 1 difference, 2
  stray uploads, 2 without a trace, 1 not seen
  --delete-orphans may delete 1 of the orphans
  --delete-orphans may give up 1 of the uploads
  2 uploads are of objects that are not this manifest's
  uploads to bucket far were not looked at: HTTP 403 obs.AccessDenied: no
"""


def test_everything_that_was_found_fits_a_terminal_of_80_cells() -> None:
    text = render(EVERYTHING, NAME, width=80)
    assert text == TEXT
    assert max(width_of(line) for line in text.splitlines()) <= 80


def test_without_a_terminal_no_line_is_broken() -> None:
    lines = render(EVERYTHING, NAME, width=None).splitlines()
    assert "not written: this ledger is not the one written to" in lines[3]


def test_nothing_found_is_said_in_one_line() -> None:
    agree = "wave-07: ledger and cloud agree\n"
    assert render(Findings(), NAME, width=80) == agree
    assert gist(Findings(), NAME, width=80) == agree


def test_images_of_other_shards_are_only_counted() -> None:
    assert gist(Findings(elsewhere=2), NAME, width=None) == (
        "wave-07: ledger and cloud agree\n"
        "  2 images are of other shards and not compared: give their ledgers with "
        "--ledger\n"
    )
    assert "1 image is of other shards" in gist(Findings(elsewhere=1), NAME, width=None)


def test_uploads_that_go_on_or_were_not_looked_at_are_no_difference() -> None:
    going = Uploads(found=UPLOADS.found[:1], others=1)
    agree = "wave-07: ledger and cloud agree\n"
    assert gist(Findings(uploads=going), NAME, width=None) == (
        f"{agree}  1 upload is of objects that are not this manifest's\n"
    )
    unasked = Findings(uploads=Uploads(why_not="no keys\x1b"))
    assert gist(unasked, NAME, width=None) == (
        f"{agree}  uploads were not looked at: no keys\\x1b\n"
    )


@pytest.mark.parametrize("obstacle", Obstacle)
def test_every_obstacle_has_words_of_its_own(obstacle: Obstacle) -> None:
    words = {obstacle_words(each, view()) for each in Obstacle}
    assert len(words) == len(Obstacle)
    assert obstacle_words(obstacle, view()) in words


def test_a_word_that_we_do_not_know_is_the_clouds_own() -> None:
    frozen = view(status=S.UNRECOGNISED, raw_status="frozen")
    assert obstacle_words(Obstacle.ALIVE, frozen) == "it is frozen"
    assert obstacle_words(Obstacle.ALIVE, view(raw_status="")) == "it is active"


def test_what_is_about_to_be_deleted_is_listed() -> None:
    assert deletable_words([MAY_GO], width=80) == (
        f"to be deleted (1)\n  {TWO}  queued  2026-09-01T01:00:00Z\n"
        "    entry web-01: no given ledger names it\n    may be deleted\n\n"
    )


def test_uploads_that_are_about_to_be_given_up_are_listed_with_the_images() -> None:
    text = deletable_words([MAY_GO], [found()], width=80)
    assert text.startswith("to be deleted (2)\n")
    assert text.endswith("    may be given up\n\n")


def deletion(outcome: Outcome, reason: str = "") -> Deletion:
    return Deletion(image_id=ONE, key=KEY, outcome=outcome, reason=reason)


def test_what_came_of_each_deletion_is_told() -> None:
    text = deletion_words(
        [
            deletion(Outcome.DELETED),
            deletion(Outcome.KEPT, "it is active"),
            deletion(Outcome.UNCLEAR, "timed out"),
            deletion(Outcome.NOT_TRIED, "told to stop"),
        ],
        width=None,
    )
    assert text == (
        f"deletions (4)\n  {ONE}: deleted\n  {ONE}: not deleted\n    it is active\n"
        f"  {ONE}: unclear whether it was deleted: the answer was lost; "
        "reconcile again to see\n"
        f"    timed out\n  {ONE}: not tried\n    told to stop\n\n"
    )
    assert deletion_words([], width=80) == "nothing was deleted\n"


def upload_deletion(outcome: Outcome, reason: str = "") -> UploadDeletion:
    return UploadDeletion(
        bucket=BUCKET,
        object=OBJECT,
        upload_id="u1",
        key=KEY,
        outcome=outcome,
        reason=reason,
    )


def test_what_came_of_each_upload_is_told() -> None:
    gone = upload_deletion(Outcome.KEPT, "it is gone already")
    text = deletion_words([upload_deletion(Outcome.DELETED), gone], width=None)
    assert text == (
        f"deletions (2)\n  upload to {BUCKET}:{OBJECT}: deleted\n    upload u1\n"
        f"  upload to {BUCKET}:{OBJECT}: not deleted\n    upload u1\n"
        "    it is gone already\n\n"
    )


def test_the_document_holds_everything_in_plain_json() -> None:
    target = Target(endpoint="http://127.0.0.1", project_id="p", region="r")
    whole = document(
        EVERYTHING,
        [
            deletion(Outcome.DELETED),
            deletion(Outcome.KEPT, "it is active"),
            replace(deletion(Outcome.KEPT, "no"), hindrance=Hindrance.FORBIDDEN),
        ],
        manifest_name=NAME,
        target=target,
        ledgers=[LEDGER, "b.jsonl"],
        upload_deletions=[upload_deletion(Outcome.UNCLEAR, "timed out")],
    )
    plain = json.loads(json.dumps(whole))
    assert plain["version"] == 1
    assert plain["summary"] == {
        "late_finishers": 2,
        "orphans": 2,
        "deletable": 1,
        "leftovers": 2,
        "duplicates": 3,
        "drift": 1,
        "untraced": 2,
        "unseen": 1,
        "elsewhere": 0,
        "deletions": {"deleted": 1, "kept": 2},
        "stray_uploads": 2,
        "deletable_uploads": 1,
        "other_uploads": 2,
        "upload_deletions": {"unclear": 1},
    }
    assert plain["target"] == {
        "endpoint": "http://127.0.0.1",
        "project_id": "p",
        "region": "r",
    }
    assert plain["ledgers"] == [LEDGER, "b.jsonl"]
    assert [late["is_written"] for late in plain["late_finishers"]] == [True, False]
    assert [late["now"] for late in plain["late_finishers"]] == ["active", "failed"]
    first, second = plain["orphans"]
    assert (first["is_deletable"], first["obstacles"], first["key"]) == (True, [], KEY)
    assert second["obstacles"] == ["alive", "named"]
    assert second["reason"] == "it is active; a ledger names it"
    assert first["entry_tag"]
    assert plain["leftovers"][0] | {"entry_tag": "", "spec_tag": ""} == {
        "key": KEY,
        "kind": "dead",
        "image_id": TWO,
        "name": KEY,
        "status": "killed",
        "created_at": "2026-09-01T01:00:00Z",
        "entry_tag": "",
        "spec_tag": "",
        "is_protected": True,
        "reason": "a ledger names it; it is protected",
    }
    assert plain["duplicates"][0]["kept"]["image_id"] == ONE
    assert plain["drift"][0]["expected"] == "40"
    assert plain["untraced"][1]["image_id"] is None
    assert plain["unseen"] == [{"id": JOB, "reason": "HTTP 500 IMG.0001: no answer"}]
    assert plain["deletions"][1] == {
        "key": KEY,
        "image_id": ONE,
        "outcome": "kept",
        "hindrance": None,
        "reason": "it is active",
    }
    assert plain["deletions"][2]["hindrance"] == "forbidden"
    assert plain["uploads"][1] == {
        "key": KEY,
        "kind": "unknown",
        "bucket": BUCKET,
        "object": OBJECT,
        "upload_id": "u2",
        "begun_at": "2026-09-07T00:00:00Z",
        "is_deletable": False,
        "obstacles": ["young"],
        "reason": "it is not older than --orphan-age and the image deadline",
    }
    assert plain["uploads"][2]["is_deletable"]
    assert plain["uploads_unseen"] == [
        {"bucket": "far", "reason": "HTTP 403 obs.AccessDenied: no"}
    ]
    assert plain["uploads_not_looked_at"] is None
    assert plain["upload_deletions"] == [
        {
            "bucket": BUCKET,
            "object": OBJECT,
            "upload_id": "u1",
            "key": KEY,
            "outcome": "unclear",
            "reason": "timed out",
            "hindrance": None,
        }
    ]
