"""One manifest, several runs at once that know nothing of each other: shards."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from batch_register.model import EntryKey
from batch_register.shard import Shard
from tests.integration.conftest import Cloud, Ended, Shell, serve
from tests.integration.test_reconcile import DELETE, Hand
from tests.processes.judging import each_made_once

pytestmark = pytest.mark.integration

COUNT = 4
ENTRIES = 60
# Of a row, what one run and four can have in common.
SAME = ("key", "name", "image_url", "state", "size_bytes", "error", "action", "labels")


def words(count: int = COUNT) -> list[str]:
    return [f"{index}/{count}" for index in range(count)]


def holds(word: str, key: str) -> bool:
    return Shard.parse(word).holds("wave-07", EntryKey(key))


def ledger(word: str) -> str:
    return f"wave-07.shard-{word.replace('/', '-of-')}.ledger.jsonl"


def run_all(shell: Shell, manifest: Path, shards: Iterable[str]) -> list[Ended]:
    """Run these shards all at once, each in a process of its own."""
    processes = [shell.begin(manifest, "--shard", each) for each in shards]
    return [shell.end(process) for process in processes]


def merged(shell: Shell, *shards: str) -> dict[str, Any]:
    """Return the report over the ledgers of these shards."""
    ended = shell("report", *map(ledger, shards), "--format", "json")
    assert ended.code == 0, ended.err
    return ended.document


def known_rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the rows say, whichever run and image it was, by key."""
    rows = [{name: row[name] for name in SAME} for row in document["images"]]
    return sorted(rows, key=lambda row: row["key"])


def test_four_shards_at_once_make_together_what_one_run_makes(
    shell: Shell, cloud: Cloud, tmp_path: Path
) -> None:
    manifest = shell.manifest(ENTRIES)

    ended = run_all(shell, manifest, words())

    assert [each.code for each in ended] == [0] * COUNT, ended[0].err
    each_made_once(cloud.audit(), ended, ENTRIES)
    together = merged(shell, *words())
    each_made_once(cloud.audit(), [Ended(0, json.dumps(together), "")], ENTRIES)
    assert [each.document["shard"] for each in ended] == words()
    assert together["shard"] is None
    sizes = [each.document["summary"]["total"] for each in ended]
    assert sum(sizes) == ENTRIES
    assert all(sizes)

    alone = tmp_path / "alone"
    alone.mkdir()
    with serve(alone, "--speed", "600") as other:
        lonely = Shell(alone, other.clouds_yaml)
        one = lonely.run(lonely.manifest(ENTRIES)).document
    assert together["summary"] == one["summary"]
    assert known_rows(together) == known_rows(one)


def test_shards_share_the_quota_through_the_service_alone(
    serve_cloud: Callable[..., Cloud], tmp_path: Path
) -> None:
    """Each sees the same room, and takes the service's word for it that it is gone."""
    cloud = serve_cloud("--speed", "600", "--quota", "30")
    shell = Shell(tmp_path, cloud.clouds_yaml)

    ended = run_all(shell, shell.manifest(40), words())

    report = merged(shell, *words())
    states = Counter(row["state"] for row in report["images"])
    assert states == {"active": 30, "deferred": 10}
    assert {each.code for each in ended} <= {0, 6}
    audit = cloud.audit()
    assert audit["images_existing"] == 30
    assert audit["duplicates"] == {}


def test_a_shard_that_was_killed_goes_on_by_itself_and_the_reports_still_merge(
    shell: Shell, cloud: Cloud
) -> None:
    manifest = shell.manifest(ENTRIES)
    victim, *others = words()
    process = shell.begin(manifest, "--shard", victim)
    while cloud.audit()["images_created"] < 5:
        assert process.poll() is None
    process.kill()
    shell.end(process)
    cut_short = merged(shell, victim)

    ended = run_all(shell, manifest, [*others, victim])

    assert cut_short["summary"]["active"] < cut_short["summary"]["total"]
    assert [each.code for each in ended] == [0] * COUNT, ended[0].err
    each_made_once(cloud.audit(), ended, ENTRIES)
    page = shell("report", *map(ledger, words()), "--format", "html").out
    assert f"<dt>{COUNT} ledgers</dt>" in page
    assert f"{COUNT + 1} runs," in page
    assert f"{ENTRIES} of {ENTRIES} images active" in page
    table = shell("report", *map(ledger, words()))
    assert f"wave-07: {ENTRIES} of {ENTRIES} images active" in table.out
    assert "merged from 4 ledgers" in table.out


def test_entries_that_move_to_another_shards_ledger_are_adopted(
    shell: Shell, cloud: Cloud
) -> None:
    manifest = shell.manifest(ENTRIES)
    run_all(shell, manifest, words(4))
    writes = cloud.audit()["writes"]

    ended = run_all(shell, manifest, words(3))
    whole = shell.run(manifest)

    assert [each.code for each in (*ended, whole)] == [0] * 4, ended[0].err
    assert cloud.audit()["writes"] == writes
    each_made_once(cloud.audit(), ended, ENTRIES)
    each_made_once(cloud.audit(), [whole], ENTRIES)
    every = merged(shell, *words(4), *words(3))
    assert every["summary"]["active"] == ENTRIES
    both = shell("report", *map(ledger, (*words(4), *words(3))), "--format", "json")
    assert "two ledgers" not in both.err


def test_what_another_shards_entry_was_made_of_may_be_made_anew(shell: Shell) -> None:
    """As in one run: its image is there under its own key, which the manifest names."""
    manifest = shell.manifest(1)
    (old,) = (word for word in words(2) if holds(word, "web-0"))
    (other,) = {*words(2)} - {old}
    key = next(key for key in (f"new-{n}" for n in range(99)) if holds(other, key))
    assert shell.run(manifest, "--shard", old).code == 0
    edited = manifest.read_text().replace("web-0.qcow2", "web-0b.qcow2")
    manifest.write_text(
        f"{edited}  - {{key: {key}, name: web-0, object: web-0.qcow2}}\n"
    )

    ended = shell.run(manifest, "--shard", other)

    assert ended.code == 0, ended.err
    assert [row["state"] for row in ended.document["images"]] == ["active"]


def test_a_key_that_is_renamed_into_another_shard_is_not_made_twice(
    shell: Shell, cloud: Cloud
) -> None:
    """The ledger of the new key has never heard of the old one: the tags tell."""
    manifest = shell.manifest(1)
    (old,) = (word for word in words(2) if holds(word, "web-0"))
    (other,) = {*words(2)} - {old}
    key = next(key for key in (f"new-{n}" for n in range(99)) if holds(other, key))
    assert shell.run(manifest, "--shard", old).code == 0
    text = manifest.read_text()
    manifest.write_text(text.replace("{name: web-0,", f"{{key: {key}, name: web-0,"))

    ended = shell.run(manifest, "--shard", other)

    (row,) = ended.document["images"]
    assert (ended.code, row["state"], row["error"]["code"]) == (
        3,
        "conflict",
        "renamed-key",
    )
    assert cloud.audit()["images_existing"] == 1


def test_a_shard_without_entries_ends_well_and_says_so(
    shell: Shell, cloud: Cloud
) -> None:
    manifest = shell.manifest(1)
    sizes = {}
    for word in words():
        ended = shell.run(manifest, "--shard", word, "--output", "table")
        assert ended.code == 0, ended.err
        report = shell("report", ledger(word))
        assert report.code == 0, report.err
        sizes[word] = "no images" in ended.out
        assert (f"wave-07, shard {word}: no images" in report.out) is sizes[word]
        assert ("manifest.shard_empty" in ended.err) is sizes[word]
    assert list(sizes.values()).count(True) == COUNT - 1
    assert cloud.audit()["images_existing"] == 1
    assert merged(shell, *words())["summary"]["active"] == 1


def test_two_shards_never_share_a_ledger(shell: Shell) -> None:
    manifest = shell.manifest(8)
    assert shell.run(manifest, "--shard", "0/2", "--ledger", "one.jsonl").code == 0
    for flags in (("--shard", "1/2"), ("--shard", "0/3"), ()):
        ended = shell.run(manifest, "--ledger", "one.jsonl", *flags)
        assert (ended.code, ended.out) == (74, "")
        assert "belongs to shard 0/2" in ended.err
        plan = shell("plan", manifest.name, "--ledger", "one.jsonl", *flags)
        assert plan.code == 74
    named = ("--ledger", "wave.{shard}.jsonl", "--report", "night.{shard}.xml")
    assert shell.run(manifest, "--shard", "1/2", *named).code == 0
    assert (shell.folder / "wave.1-of-2.jsonl").exists()
    suite = (shell.folder / "night.1-of-2.xml").read_text()
    assert '<testsuite name="wave-07, shard 1/2"' in suite


def test_a_plan_is_of_the_shard_alone(shell: Shell) -> None:
    manifest = shell.manifest(ENTRIES)
    plans = [
        shell("plan", manifest.name, "--output", "json", "--shard", word).document
        for word in words()
    ]
    assert [plan["shard"] for plan in plans] == words()
    keys = [entry["key"] for plan in plans for entry in plan["entries"]]
    assert sorted(keys) == sorted(f"web-{n}" for n in range(ENTRIES))


# ------------------------------------------------------------ reconcile


def test_deleting_with_one_shards_ledger_leaves_the_others_shells_alone(
    shell: Shell, cloud: Cloud
) -> None:
    """The other shards' runs work on another machine: their ledgers are not here."""
    manifest = shell.manifest(8)
    run_all(shell, manifest, words(2))
    hand = Hand(shell, cloud)
    shells = {key: hand.seed(key) for key in (f"web-{n}" for n in range(8))}
    mine, theirs = (
        {row["key"] for row in merged(shell, word)["images"]} for word in words(2)
    )
    away = shell.folder / "away"
    away.mkdir()
    (shell.folder / ledger("1/2")).rename(away / ledger("1/2"))

    partial = hand.reconcile(*DELETE).document

    assert partial["ledgers"] == [ledger("0/2")]
    assert partial["summary"]["elsewhere"] == 2 * len(theirs)
    assert {each["key"] for each in partial["orphans"]} == mine
    left = hand.images()
    assert {key for key in shells if shells[key] in left} == theirs

    (away / ledger("1/2")).rename(shell.folder / ledger("1/2"))
    whole = hand.reconcile(*DELETE).document

    assert whole["ledgers"] == [ledger("0/2"), ledger("1/2")]
    assert whole["summary"]["elsewhere"] == 0
    assert {each["key"] for each in whole["orphans"]} == theirs
    assert len(hand.images()) == 8
