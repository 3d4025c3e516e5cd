"""`doctor` where `openstack image list` works: at the real Keystone and Glance."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.stack.cloud import Stack

pytestmark = pytest.mark.integration


def examine(stack: Stack, folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code of `doctor` and its document."""
    clouds = stack.clouds_yaml(folder, token_life_s=3600)
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BATCH_REGISTER_", "OS_"))
    }
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "batch_register", "doctor", "--cloud", "stack"),
            *("--output", "json", "--settle", "2", *options),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
        env=environ | {"OS_CLIENT_CONFIG_FILE": str(clouds)},
    )
    assert ended.stdout.startswith("{"), ended.stderr
    return ended.returncode, json.loads(ended.stdout)


def test_all_that_a_run_needs_is_found_there(stack: Stack, tmp_path: Path) -> None:
    code, document = examine(stack, tmp_path)
    assert code == 0, document
    states = {each["topic"]: each["state"] for each in document["findings"]}
    assert {states["login"], states["list_call"], states["job_call"]} == {"ok"}
    told = document["capabilities"]
    assert (told["list_call"], told["job_call"]) == ("native list", "import tasks")


def test_a_probe_is_found_by_its_tag_and_deleted_again(
    stack: Stack, tmp_path: Path
) -> None:
    code, document = examine(stack, tmp_path, "--probe-write")
    assert code == 0, document
    assert document["capabilities"]["tag_filter"] == "honoured"
    left = stack.ask("GET", "/v2/images").data["images"]
    assert [one for one in left if one["name"].startswith("batch-register-probe")] == []
