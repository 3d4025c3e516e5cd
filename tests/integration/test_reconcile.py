"""`reconcile` from outside: ledger and cloud taken apart by hand, and what it makes of it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import subprocess
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from batch_register.ledger import read_ledger
from batch_register.ledger.line import Line, decode, encode
from batch_register.manifest import load_manifest
from batch_register.model import EntryKey, entry_digest, spec_digest
from tests.integration.conftest import COMMAND, Cloud, Ended, Shell

pytestmark = pytest.mark.integration

NAME = "wave-07"
LEDGER = "wave-07.ledger.jsonl"
DELETE = ("--delete-orphans", "--yes")
_NO_LOOK = ("--poll-interval", "600", "--settle", "1", "--output", "json")


def now_s() -> float:
    """Return the time by which the cloud's gateway dates its answers."""
    return datetime.now(UTC).timestamp()


def post(url: str, document: object, method: str = "POST", **headers: str) -> Any:
    """Send JSON to the simulator, past the tool; return the answer's headers."""
    content_type = headers.pop("content_type", "application/json")
    request = urllib.request.Request(  # noqa: S310 - own server
        url,
        data=None if document is None else json.dumps(document).encode(),
        method=method,
        headers={"Content-Type": content_type, **headers},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - see above
        return answer.headers


@dataclass
class Hand:
    """Somebody who works on cloud and ledger by hand."""

    shell: Shell
    cloud: Cloud

    def reconcile(self, *flags: str) -> Ended:
        """Run the command on the usual manifest."""
        return self.shell("reconcile", f"{NAME}.yaml", "--output", "json", *flags)

    def kill_once_registered(self, count: int, *arguments: str) -> None:
        """Kill a run that looks at nothing once the cloud has taken so many files on."""
        process = self.shell.start("run", *arguments, *_NO_LOOK)
        while self.cloud.audit()["executed_by_route"].get("image.register", 0) < count:
            assert process.poll() is None
        process.kill()
        self.shell.end(process)

    def images(self) -> dict[str, dict[str, Any]]:
        """Return what exists, by id, whatever lists show."""
        address = f"{self.cloud.url}/_simulator/images"
        with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310
            found = json.load(answer)["images"]
        gone = ("pending_delete", "deleted")
        return {each["id"]: each for each in found if each["status"] not in gone}

    def seed(self, key: str, status: str = "queued", **changes: Any) -> str:
        """Put an image of the entry into the cloud, two days old; return its id."""
        one: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "name": key,
            "tags": self.tags(key),
            "status": status,
            "created_s": now_s() - 48 * 3600,
            "size_bytes": 1000 if status == "active" else 0,
        }
        one |= changes
        post(f"{self.cloud.url}/_simulator/images", [one])
        return str(one["id"])

    def tags(self, key: str, **changes: str | None) -> list[str]:
        """Return the three tags of an entry, some of them changed or left out."""
        manifest = load_manifest(self.shell.folder / f"{NAME}.yaml")
        digests = {spec.key: str(spec_digest(spec)) for spec in manifest.images}
        ours: dict[str, str | None] = {
            "br-manifest": NAME,
            "br-entry": entry_digest(NAME, EntryKey(key)),
            "br-spec": digests.get(EntryKey(key), "a" * 26),
        }
        ours |= {name.replace("_", "-"): value for name, value in changes.items()}
        return [f"{name}={value}" for name, value in ours.items() if value is not None]

    def note(self, path: Path, event: str, key: str, **fields: object) -> None:
        """Add a line to a ledger."""
        lines = path.read_bytes().splitlines(keepends=True)
        last = decode(lines[-1])
        line = Line(
            seq=last.seq + 1,
            run_id=last.run_id,
            at=last.at,
            event=event,
            key=key,
            fields=fields,
        )
        with path.open("ab") as file:
            file.write(encode(line))

    def token(self) -> str:
        """Log in as the tool does."""
        entry = yaml.safe_load(self.cloud.clouds_yaml.read_text())["clouds"]
        auth = entry["simulator"]["auth"]
        user = {
            "name": auth["username"],
            "password": auth["password"],
            "domain": {"name": auth["user_domain_name"]},
        }
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": auth["project_name"]}}
        body = {"auth": {"identity": identity, "scope": scope}}
        headers = post(f"{self.cloud.url}/v3/auth/tokens", body)
        return str(headers["X-Subject-Token"])

    def call(self, method: str, path: str, document: object = None) -> None:
        """Use the image service past the tool."""
        patch = "application/openstack-images-v2.1-json-patch"
        post(
            f"{self.cloud.url}{path}",
            document,
            method,
            content_type=patch,
            **{"X-Auth-Token": self.token()},
        )

    def active(self) -> dict[str, str]:
        """Return the image of every active entry, as the ledger has it."""
        records = read_ledger(self.shell.folder / LEDGER).records
        return {
            key: record.image_id
            for key, record in records.items()
            if record.state == "active" and record.image_id
        }


@pytest.fixture
def hand(shell: Shell, cloud: Cloud) -> Hand:
    return Hand(shell, cloud)


def kinds(ended: Ended) -> dict[str, list[str]]:
    """Return the kinds of drift of each entry."""
    found: dict[str, list[str]] = {}
    for each in ended.document["drift"]:
        found.setdefault(each["key"], []).append(each["kind"])
    return found


def test_what_agrees_is_left_alone(hand: Hand) -> None:
    assert hand.shell.run(hand.shell.manifest(5)).code == 0
    ledger = (hand.shell.folder / LEDGER).read_bytes()
    writes = hand.cloud.audit()["writes"]

    ended = hand.reconcile(*DELETE)

    assert ended.code == 0, ended.err
    summary = ended.document["summary"]
    assert {name: n for name, n in summary.items() if n} == {}
    assert (hand.shell.folder / LEDGER).read_bytes() == ledger
    assert hand.cloud.audit()["writes"] == writes
    twice = ("--ledger", LEDGER, "--ledger", f"./{LEDGER}")
    assert hand.reconcile(*twice, *DELETE).code == 0  # it does not lock itself out


def test_a_killed_run_is_finished_in_the_ledger_once_the_cloud_is_done(
    hand: Hand,
) -> None:
    manifest = hand.shell.manifest(5)
    hand.kill_once_registered(5, manifest.name)
    while {each["status"] for each in hand.images().values()} != {"active"}:
        pass
    writes = hand.cloud.audit()["writes"]

    ended = hand.reconcile()

    assert ended.code == 0, ended.err
    late = ended.document["late_finishers"]
    assert len(late) == 5
    assert all(each["is_written"] and each["now"] == "active" for each in late)
    assert ended.document["summary"]["orphans"] == 0
    report = hand.shell("report", LEDGER, "--format", "json").document
    assert report["summary"]["active"] == 5
    again = hand.shell.run(manifest)
    assert (again.code, again.document["summary"]["skipped"]) == (0, 5)
    assert hand.cloud.audit()["writes"] == writes


def test_a_lost_create_whose_image_is_active_by_now_is_adopted_and_no_orphan(
    hand: Hand,
) -> None:
    manifest = hand.shell.manifest(2)
    assert hand.shell.run(manifest, "--select", "web-0").code == 0
    _, _, spec = hand.tags("web-1")
    digest = spec.removeprefix("br-spec=")
    ledger = hand.shell.folder / LEDGER
    hand.note(ledger, "image.create_intended", "web-1", spec=digest, name="web-1")
    image = hand.seed("web-1", "active")

    ended = hand.reconcile(*DELETE)

    (late,) = ended.document["late_finishers"]
    assert (late["was"], late["now"], late["image_id"]) == (
        "unfinished",
        "active",
        image,
    )
    assert (ended.document["orphans"], ended.document["drift"]) == ([], [])
    assert hand.active()["web-1"] == image
    writes = hand.cloud.audit()["writes"]
    assert hand.shell.run(manifest).code == 0
    assert hand.cloud.audit()["writes"] == writes


def test_an_overdue_job_that_failed_since_is_recorded_for_the_next_run_to_retry(
    serve_cloud: Callable[..., Cloud], tmp_path: Path
) -> None:
    script = tmp_path / "script.yaml"
    script.write_text(
        """\
version: 1
jobs:
  - {object: "*:web-0.qcow2", nth: 1, code: IMG.1075, reason: No such luck.}
"""
    )
    cloud = serve_cloud("--fault-script", str(script))
    hand = Hand(Shell(tmp_path, cloud.clouds_yaml), cloud)
    manifest = hand.shell.manifest(2)
    assert hand.shell.run(manifest, "--image-deadline", "0.01").code == 4
    post(f"{cloud.url}/_simulator/clock", {"advance_s": 3600})

    ended = hand.reconcile()

    late = {each["key"]: each for each in ended.document["late_finishers"]}
    assert {key: (each["was"], each["now"]) for key, each in late.items()} == {
        "web-0": ("unknown", "failed"),
        "web-1": ("unknown", "active"),
    }
    record = read_ledger(hand.shell.folder / LEDGER).records[EntryKey("web-0")]
    assert record.fault is not None
    assert (record.state, record.fault.code) == ("failed", "IMG.1075")
    plan = hand.shell("plan", manifest.name, "--output", "json").document
    assert plan["summary"] == {"retry": 1, "skip": 1}


def test_a_kept_image_of_a_failed_attempt_is_shown_and_never_deleted(
    serve_cloud: Callable[..., Cloud], tmp_path: Path
) -> None:
    script = tmp_path / "script.yaml"
    script.write_text(
        """\
version: 1
jobs:
  - {object: "*:web-0.qcow2", nth: 1, code: IMG.1075, reason: No such luck.}
"""
    )
    cloud = serve_cloud("--speed", "600", "--fault-script", str(script))
    hand = Hand(Shell(tmp_path, cloud.clouds_yaml), cloud)
    manifest = hand.shell.manifest(1)
    assert hand.shell.run(manifest, "--keep-failed").code == 3
    (kept,) = hand.images()
    assert hand.shell.run(manifest, "--keep-failed").code == 0

    ended = hand.reconcile(*DELETE)

    (left,) = ended.document["leftovers"]
    assert (left["image_id"], left["kind"], left["key"]) == (kept, "dead", "web-0")
    assert ended.document["summary"]["orphans"] == 0
    assert kept in hand.images()
    gist = hand.shell("reconcile", f"{NAME}.yaml", "--output", "quiet").out
    assert gist == "wave-07: 1 leftover\n"


def test_each_difference_between_ledger_manifest_and_cloud_is_told(hand: Hand) -> None:
    manifest = hand.shell.manifest(6)
    assert hand.shell.run(manifest).code == 0
    made = hand.active()
    hand.call("DELETE", f"/v2/images/{made['web-0']}")
    rename = [{"op": "replace", "path": "/name", "value": "other"}]
    hand.call("PATCH", f"/v2/images/{made['web-1']}", rename)
    text = manifest.read_text()
    text = text.replace("object: web-2.qcow2", "object: web-2b.qcow2")
    text = text.replace("{name: web-3,", "{key: web-three, name: web-3,")
    text = text.replace("  - {name: web-4, object: web-4.qcow2}\n", "")
    manifest.write_text(text)
    twin = hand.seed("web-5", "active")
    ledger = (hand.shell.folder / LEDGER).read_bytes()
    writes = hand.cloud.audit()["writes"]

    ended = hand.reconcile()

    assert ended.code == 0, ended.err
    assert kinds(ended) == {
        "web-0": ["gone"],
        "web-1": ["field"],
        "web-2": ["changed"],
        "web-3": ["renamed"],
    }
    orphans = {
        (each["key"], each["kind"], each["image_id"])
        for each in ended.document["orphans"]
    }
    assert orphans == {
        ("web-3", "removed", made["web-3"]),
        ("web-4", "removed", made["web-4"]),
        ("web-5", "unnamed", twin),
    }
    (duplicate,) = ended.document["duplicates"]
    assert duplicate["kept"]["image_id"] == twin  # older; the ledger's is told beside
    assert duplicate["in_ledger"] == made["web-5"]
    assert ended.document["summary"]["deletable"] == 0
    assert (hand.shell.folder / LEDGER).read_bytes() == ledger
    assert hand.cloud.audit()["writes"] == writes


def test_exactly_the_orphans_without_any_obstacle_are_deleted(hand: Hand) -> None:
    """One image for each condition, which breaks that one alone."""
    extra = "".join(
        f"  - {{name: {key}, object: {key}.qcow2}}\n"
        for key in ("open-01", "named-01", "busy-01", "second-01")
    )
    manifest = hand.shell.manifest(3, extra=extra)
    assert hand.shell.run(manifest, "--select", "web-*").code == 0
    ledger = hand.shell.folder / LEDGER
    second = hand.shell.folder / "second.jsonl"
    second.write_bytes(ledger.read_bytes())
    made = set(hand.active().values())
    spec = "a" * 26

    go = {
        "a queued shell of no entry": hand.seed("gone-01"),
        "a killed image of no entry": hand.seed("gone-02", "killed"),
        "a queued twin": hand.seed("web-0"),
    }
    stay = {
        "alive": hand.seed("gone-03", "active"),
        "under way": hand.seed("gone-04", "saving", remaining_s=1e6),
        "protected": hand.seed("gone-05", protected=True),
        "young": hand.seed("gone-06", created_s=now_s() - 23 * 3600),
        "from the future": hand.seed("gone-07", created_s=now_s() + 1e6),
        "another manifest's": hand.seed(
            "gone-08", tags=hand.tags("gone-08", br_manifest="wave-08")
        ),
        "of nobody": hand.seed("gone-09", tags=[]),
        "without br-entry": hand.seed(
            "gone-10", tags=hand.tags("gone-10", br_entry=None)
        ),
        "without br-spec": hand.seed(
            "gone-11", tags=hand.tags("gone-11", br_spec=None)
        ),
        "open create": hand.seed("open-01"),
        "open create elsewhere": hand.seed("second-01"),
        "named as a duplicate": hand.seed("web-1"),
        "named as dead elsewhere": hand.seed("web-2"),
        "of an entry whose job runs": hand.seed("busy-01"),
    }
    hand.note(ledger, "image.create_intended", "open-01", spec=spec, name="open-01")
    hand.note(second, "image.create_intended", "second-01", spec=spec, name="x")
    hand.note(
        ledger,
        "image.duplicate_seen",
        "web-1",
        image_id=stay["named as a duplicate"],
        status="queued",
    )
    hand.note(
        second,
        "entry.declared",
        "named-01",
        name="named-01",
        image_url="b:o",
        spec=spec,
        labels={"why": f"beside {stay['named as dead elsewhere']}"},
    )
    busy = hand.seed("busy-01", "saving", job_id="f" * 32, remaining_s=1e6)
    hand.note(ledger, "image.create_intended", "busy-01", spec=spec, name="busy-01")
    hand.note(ledger, "image.created", "busy-01", image_id=busy)
    hand.note(ledger, "image.register_intended", "busy-01", image_id=busy)
    hand.note(ledger, "image.registered", "busy-01", image_id=busy, job_id="f" * 32)
    before = set(hand.images())
    assert before == {*made, *go.values(), *stay.values(), busy}

    shown = hand.reconcile("--ledger", LEDGER, "--ledger", "second.jsonl")
    assert set(hand.images()) == before
    assert shown.document["deletions"] == []

    ended = hand.reconcile("--ledger", LEDGER, "--ledger", "second.jsonl", *DELETE)

    assert ended.code == 0, ended.err
    assert before - set(hand.images()) == set(go.values())
    obstacles = {
        each["image_id"]: each["obstacles"] for each in ended.document["orphans"]
    }
    assert all(obstacles[image] == [] for image in go.values())
    assert {
        name: obstacles[image] for name, image in stay.items() if image in obstacles
    } == {
        "alive": ["alive"],
        "under way": ["alive"],
        "protected": ["protected"],
        "young": ["young"],
        "from the future": ["young"],
        "without br-entry": ["no_entry_tag"],
        "without br-spec": ["no_spec_tag"],
        "open create": ["open_call"],
        "open create elsewhere": ["open_call"],
        "of an entry whose job runs": ["running_job"],
    }
    outcomes = {
        each["image_id"]: each["outcome"] for each in ended.document["deletions"]
    }
    assert outcomes == dict.fromkeys(go.values(), "deleted")
    events = [decode(line) for line in ledger.read_bytes().splitlines(keepends=True)]
    orphan_events = [
        (each.event, each.fields["image_id"])
        for each in events
        if each.event.startswith("orphan.")
    ]
    assert orphan_events == [
        (event, image)
        for image in outcomes
        for event in ("orphan.delete_intended", "orphan.deleted")
    ]
    assert read_ledger(ledger).last_seq == len(events)
    assert second.read_bytes().count(b"orphan.") == 0
    assert hand.cloud.audit()["by_route"]["image.delete"] == len(go)


def test_a_shell_that_a_lost_ledger_left_behind_is_found_and_deleted(
    serve_cloud: Callable[..., Cloud], tmp_path: Path
) -> None:
    cloud = serve_cloud("--only-listed")  # no file is there, so shells stay shells
    hand = Hand(Shell(tmp_path, cloud.clouds_yaml), cloud)
    manifest = hand.shell.manifest(1)
    blindly = "--no-preflight"  # or nothing would be made
    assert hand.shell.run(manifest, blindly).code == 3
    (tmp_path / LEDGER).unlink()
    manifest.write_text(manifest.read_text().replace("web-0", "db-0"))
    (lost,) = hand.images()
    assert hand.reconcile(*DELETE).code == 2  # no ledger says what is in use
    assert hand.shell.run(manifest, blindly).code == 3
    (kept,) = set(hand.images()) - {lost}

    first = hand.reconcile(*DELETE)
    assert [each["obstacles"] for each in first.document["orphans"]] == [["young"]]
    quick = tmp_path / "quick.yaml"
    quick.write_text("image_deadline: 2s\n")
    age = ("--orphan-age", "2s", "--config", quick.name)
    floored = hand.reconcile(*DELETE, *age[:2])  # an image may be at work for an hour
    assert [each["obstacles"] for each in floored.document["orphans"]] == [["young"]]
    while not (ended := hand.reconcile(*DELETE, *age)).document["deletions"]:
        assert ended.code == 0, ended.err

    assert set(hand.images()) == {kept}
    # its own shell is still there to be used
    assert hand.shell.run(manifest, blindly).code == 3
    assert hand.cloud.audit()["images_created"] == 2


def test_a_deletion_whose_answer_is_lost_is_told_and_settled_by_the_next_look(
    serve_cloud: Callable[..., Cloud], tmp_path: Path
) -> None:
    script = tmp_path / "script.yaml"
    script.write_text(
        """\
version: 1
rules:
  - match: {route: image.delete, nth: 1}
    effect: {drop: before}
  - match: {route: image.delete, nth: 2}
    effect: {drop: after}
"""
    )
    cloud = serve_cloud("--speed", "600", "--fault-script", str(script))
    hand = Hand(Shell(tmp_path, cloud.clouds_yaml), cloud)
    assert hand.shell.run(hand.shell.manifest(1)).code == 0
    hand.seed("gone-01")
    hand.seed("gone-02")

    first = hand.reconcile(*DELETE)

    assert first.code == 4, first.err
    outcomes = [each["outcome"] for each in first.document["deletions"]]
    assert outcomes == ["unclear", "unclear"]
    assert cloud.audit()["by_route"]["image.delete"] == 2
    second = hand.reconcile(*DELETE)  # one is there still, the other is on its way out
    outcomes = [each["outcome"] for each in second.document["deletions"]]
    assert outcomes == ["deleted"]
    assert len(hand.images()) == 1


def test_a_deletion_that_is_forbidden_reaches_a_scheduler(
    serve_cloud: Callable[..., Cloud], tmp_path: Path
) -> None:
    cloud = serve_cloud("--speed", "600")
    hand = Hand(Shell(tmp_path, cloud.clouds_yaml), cloud)
    assert hand.shell.run(hand.shell.manifest(1)).code == 0
    hand.seed("gone-01")
    refusal = {"status": 403, "body": "ims", "code": "IMG.0000"}
    rule = {"match": {"route": "image.delete"}, "effect": refusal}
    post(f"{cloud.url}/_simulator/faults", {"version": 1, "rules": [rule]})

    ended = hand.reconcile(*DELETE)

    assert ended.code == 77, ended.err
    (deletion,) = ended.document["deletions"]
    assert (deletion["outcome"], deletion["hindrance"]) == ("kept", "forbidden")


@pytest.mark.parametrize(
    ("answer", "code", "deleted"), [(b"y\n", 0, 1), (b"\n", 0, 0), (None, 130, 0)]
)
def test_on_a_terminal_it_lists_and_asks_and_an_interrupt_is_a_no(
    hand: Hand, answer: bytes | None, code: int, deleted: int
) -> None:
    assert hand.shell.run(hand.shell.manifest(1)).code == 0
    image = hand.seed("gone-01")
    ours, theirs = pty.openpty()
    arguments = ("reconcile", f"{NAME}.yaml", "--delete-orphans", "--output", "json")
    with subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=hand.shell.folder,
        env=hand.shell.environment(),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as process:
        try:
            os.close(theirs)
            said = b""
            while b"[y/N]" not in said:
                said += os.read(ours, 4096)
            assert b"to be deleted (1)" in said
            assert image.encode() in said
            if answer is None:
                process.send_signal(signal.SIGINT)
            else:
                os.write(ours, answer)
            out, _ = process.communicate(timeout=30)
        finally:
            process.kill()
            os.close(ours)

    assert process.returncode == code
    assert len(json.loads(out)["deletions"] if out else []) == deleted
    assert hand.cloud.audit()["by_route"].get("image.delete", 0) == deleted


@pytest.mark.parametrize("place", [0, 1])
def test_a_foreign_ledger_is_refused_whichever_place_it_has(
    hand: Hand, place: int
) -> None:
    assert hand.shell.run(hand.shell.manifest(1, name="other")).code == 0
    assert hand.shell.run(hand.shell.manifest(1)).code == 0
    ledgers = [LEDGER, LEDGER]
    ledgers[place] = "other.ledger.jsonl"
    ended = hand.reconcile("--ledger", ledgers[0], "--ledger", ledgers[1], *DELETE)
    assert ended.code == 74
    assert "belongs to manifest 'other'" in ended.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_comparison_that_is_stopped_while_it_deletes_is_completed_by_the_next(
    serve_cloud: Callable[..., Cloud], tmp_path: Path, number: signal.Signals
) -> None:
    script = tmp_path / "script.yaml"
    script.write_text(
        """\
version: 1
rules:
  - match: {route: image.delete, nth: 2}
    effect: {delay_answer_s: 3600}
"""
    )
    cloud = serve_cloud("--speed", "600", "--fault-script", str(script))
    hand = Hand(Shell(tmp_path, cloud.clouds_yaml), cloud)
    assert hand.shell.run(hand.shell.manifest(1)).code == 0
    for n in range(4):
        hand.seed(f"gone-{n}")
    flags = ("--output", "json", *DELETE)
    process = hand.shell.start("reconcile", f"{NAME}.yaml", *flags)
    while cloud.audit()["by_route"].get("image.delete", 0) < 2:
        assert process.poll() is None
    process.send_signal(number)
    stopped = hand.shell.end(process, timeout_s=30)

    assert cloud.audit()["by_route"]["image.delete"] == 2
    if number is signal.SIGTERM:
        assert stopped.code == 143
        outcomes = [each["outcome"] for each in stopped.document["deletions"]]
        assert outcomes == ["deleted", "deleted", "not_tried", "not_tried"]
    last = hand.reconcile(*DELETE)
    outcomes = [each["outcome"] for each in last.document["deletions"]]
    assert outcomes == ["deleted", "deleted"]
    assert set(hand.images()) == set(hand.active().values())


def test_a_second_signal_ends_a_comparison_whose_list_hangs(
    serve_cloud: Callable[..., Cloud], tmp_path: Path
) -> None:
    cloud = serve_cloud("--speed", "600")
    hand = Hand(Shell(tmp_path, cloud.clouds_yaml), cloud)
    assert hand.shell.run(hand.shell.manifest(1)).code == 0
    lists = cloud.audit()["by_route"]["cloudimage.list"]
    rule = {"match": {"route": "cloudimage.list"}, "effect": {"delay_s": 36000}}
    post(f"{cloud.url}/_simulator/faults", {"version": 1, "rules": [rule]})
    flags = (*DELETE, "--output", "json")
    process = hand.shell.start("reconcile", f"{NAME}.yaml", *flags)
    while cloud.audit()["by_route"]["cloudimage.list"] == lists:
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    while "reconcile.stopping" not in (tmp_path / "stderr.log").read_text():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    stopped = hand.shell.end(process, timeout_s=10)

    assert (stopped.code, stopped.out) == (143, "")
    error = json.loads(stopped.err.splitlines()[-1])["error"]
    assert (error["reference"], error["exit_code"]) == ("stopped", 143)


def test_a_person_reads_a_table_or_its_gist_and_no_ledger_is_made(hand: Hand) -> None:
    hand.shell.manifest(1)
    image = hand.seed("web-0")
    table = hand.shell("reconcile", f"{NAME}.yaml").out
    quiet = hand.shell("reconcile", f"{NAME}.yaml", "--output", "quiet").out
    assert table == (
        f"orphans (1)\n  {image}  queued  {hand.images()[image]['created_at']}\n"
        f"    entry web-0: no given ledger names it\n"
        f"    stays: no ledger tells which images are in use\n\n{quiet}"
        "ledger: none yet\n"
    )
    assert quiet == "wave-07: 1 orphan\n"
    assert not (hand.shell.folder / LEDGER).exists()
    assert hand.shell.run(hand.shell.folder / f"{NAME}.yaml").code == 0  # it adopts it
    assert hand.shell("reconcile", f"{NAME}.yaml", *DELETE).out == (
        f"wave-07: ledger and cloud agree\nledger: {LEDGER}\n\nnothing was deleted\n"
    )


@pytest.mark.parametrize("head", [0, 1])
def test_a_ledger_without_entries_is_no_ledger_to_delete_by(
    hand: Hand, head: int
) -> None:
    assert hand.shell.run(hand.shell.manifest(1, name="wave-07")).code == 0
    whole = (hand.shell.folder / LEDGER).read_bytes().splitlines(keepends=True)
    (hand.shell.folder / LEDGER).write_bytes(b"".join(whole[:head]))
    image = hand.seed("gone-01")

    ended = hand.shell("reconcile", f"{NAME}.yaml", *DELETE)

    assert ended.code == 0, ended.err
    assert image in hand.images()
    assert "stays: the ledger holds no entries" in ended.out
    assert f"ledger: {LEDGER} (holds no entries)" in ended.out
    assert "reconcile.no_entries" in ended.err


def test_a_torn_last_line_of_the_first_ledger_protects_too(hand: Hand) -> None:
    assert hand.shell.run(hand.shell.manifest(1)).code == 0
    image = hand.seed("gone-01")
    ledger = hand.shell.folder / LEDGER
    whole = ledger.read_bytes()
    hand.note(ledger, "image.duplicate_seen", "web-0", image_id=image, status="queued")
    ledger.write_bytes(ledger.read_bytes()[:-9])

    ended = hand.reconcile(*DELETE)

    assert ended.code == 0, ended.err
    assert ended.document["summary"]["deletions"] == {}
    assert image in hand.images()
    assert ledger.read_bytes() == whole


@pytest.mark.parametrize(("status", "code"), [(400, 69), (403, 77), (401, 77)])
def test_without_a_list_nothing_is_deleted_nor_written(
    serve_cloud: Callable[..., Cloud], tmp_path: Path, status: int, code: int
) -> None:
    cloud = serve_cloud("--speed", "600")
    hand = Hand(Shell(tmp_path, cloud.clouds_yaml), cloud)
    assert hand.shell.run(hand.shell.manifest(1)).code == 0
    hand.seed("gone-01")
    ledger = (tmp_path / LEDGER).read_bytes()
    refusal = {"status": status, "body": "ims", "code": "IMG.0000"}
    rule = {"match": {"route": "cloudimage.list"}, "effect": refusal}
    post(f"{cloud.url}/_simulator/faults", {"version": 1, "rules": [rule]})

    ended = hand.reconcile(*DELETE)

    assert ended.code == code, ended.err
    assert (
        ended.out,
        json.loads(ended.err.splitlines()[-1])["error"]["exit_code"],
    ) == (
        "",
        code,
    )
    assert (tmp_path / LEDGER).read_bytes() == ledger
    assert "image.delete" not in cloud.audit()["by_route"]


def test_a_ledger_that_a_run_holds_is_left_to_it(hand: Hand) -> None:
    manifest = hand.shell.manifest(2)
    process = hand.shell.start("run", manifest.name, *_NO_LOOK)
    while hand.cloud.audit()["images_created"] < 2:
        assert process.poll() is None
    other = Hand(Shell(hand.shell.folder, hand.shell.clouds_yaml), hand.cloud)

    ended = other.reconcile(*DELETE)
    process.kill()
    hand.shell.end(process)

    assert ended.code == 7
    assert "another run holds this ledger" in ended.err
    assert "image.delete" not in hand.cloud.audit()["by_route"]


def test_a_second_ledger_that_a_run_holds_forbids_deletions_but_not_looking(
    hand: Hand,
) -> None:
    manifest = hand.shell.manifest(2)
    assert hand.shell.run(manifest).code == 0
    hand.seed("gone-01")
    flags = ("--ledger", "second.jsonl", *_NO_LOOK)
    second = hand.shell.manifest(3)  # one entry more, so that there is work
    process = hand.shell.start("run", second.name, *flags)
    path = hand.shell.folder / "second.jsonl"
    while not path.exists() or b"image.registered" not in path.read_bytes():
        assert process.poll() is None
    other = Hand(Shell(hand.shell.folder, hand.shell.clouds_yaml), hand.cloud)
    both = ("--ledger", LEDGER, "--ledger", "second.jsonl")

    looked, deleted = other.reconcile(*both), other.reconcile(*both, *DELETE)
    process.kill()
    hand.shell.end(process)

    assert (looked.code, deleted.code) == (0, 7)
    assert "image.delete" not in hand.cloud.audit()["by_route"]
    assert other.reconcile(*both, *DELETE).document["summary"]["deletions"] == {
        "deleted": 1
    }


def test_the_runs_own_ledger_protects_whatever_ledger_is_named(hand: Hand) -> None:
    manifest = hand.shell.manifest(2)
    shard = ("--ledger", "shard.jsonl", "--select", "web-0")
    assert hand.shell.run(manifest, *shard).code == 0
    assert hand.shell.run(manifest).code == 0
    named, stray = hand.seed("web-1"), hand.seed("gone-01")
    own = hand.shell.folder / LEDGER
    seen = {"image_id": named, "status": "queued"}
    hand.note(own, "image.duplicate_seen", "web-1", **seen)
    flags = ("--ledger", "shard.jsonl", *DELETE)

    with own.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # as a run holds it
        beside_a_run = hand.reconcile(*flags)
    ended = hand.reconcile(*flags)

    assert (beside_a_run.code, ended.code) == (7, 0)
    assert LEDGER in beside_a_run.err
    assert ended.document["ledgers"] == ["shard.jsonl", LEDGER]
    assert [each["image_id"] for each in ended.document["deletions"]] == [stray]
    assert named in hand.images()


def test_what_only_another_ledger_leaves_open_is_shown_and_not_written(
    hand: Hand,
) -> None:
    manifest = hand.shell.manifest(2)
    assert hand.shell.run(manifest, "--select", "web-0").code == 0
    shard = ("--ledger", "second.jsonl", "--select", "web-1")
    hand.kill_once_registered(2, manifest.name, *shard)
    while {each["status"] for each in hand.images().values()} != {"active"}:
        pass
    second = (hand.shell.folder / "second.jsonl").read_bytes()

    ended = hand.reconcile("--ledger", LEDGER, "--ledger", "second.jsonl")

    (late,) = ended.document["late_finishers"]
    assert (late["key"], late["is_written"]) == ("web-1", False)
    assert ended.document["orphans"] == []
    assert (hand.shell.folder / "second.jsonl").read_bytes() == second
    swapped = hand.reconcile("--ledger", "second.jsonl", "--ledger", LEDGER)
    assert swapped.document["late_finishers"][0]["is_written"] is True
