"""A manifest that was edited between two runs: seen in the plan, nothing redone silently."""

from __future__ import annotations

import pytest

from batch_register.ledger import read_ledger
from batch_register.model import EntryKey
from tests.integration.conftest import Cloud, Shell

pytestmark = pytest.mark.integration


@pytest.mark.fault(28)
def test_an_edited_manifest_is_seen_in_the_plan_and_deletes_and_remakes_nothing(
    shell: Shell, cloud: Cloud
) -> None:
    manifest = shell.manifest(4)
    assert shell.run(manifest).code == 0
    made = cloud.audit()
    text = manifest.read_text()
    text = text.replace("{name: web-1, object", "{key: front, name: web-1, object")
    text = text.replace("  - {name: web-2, object: web-2.qcow2}\n", "")
    manifest.write_text(text.replace("object: web-3.qcow2", "object: other.qcow2"))

    foreseen = shell("plan", manifest.name, "--output", "json")
    foreseen_counts = {"skip": 1, "conflict": 2, "leave": 2}
    assert foreseen.document["summary"] == foreseen_counts
    ended = shell.run(manifest)

    assert ended.code == 3, ended.err
    states = {row["key"]: row["state"] for row in ended.document["images"]}
    assert states["web-0"] == "active"
    assert states["front"] == states["web-3"] == "conflict"
    audit = cloud.audit()
    assert audit["images_created"] == made["images_created"]
    assert audit["by_route"].get("image.delete") is None
    records = read_ledger(manifest.with_suffix(".ledger.jsonl")).records
    gone = [records[EntryKey(key)] for key in ("web-1", "web-2")]
    assert all(record.is_removed and record.image_id for record in gone)
