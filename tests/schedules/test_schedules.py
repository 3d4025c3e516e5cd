"""The schedules that we ship are taken by those who will run them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.schedules.conftest import SCHEDULES

pytestmark = pytest.mark.integration

PROGRAM = Path(sys.executable).with_name("batch-register")
REHEARSAL = SCHEDULES.parent / "rehearsal.yaml"
# What counts as a run's call to Airflow: 5 and 4 defer, 0 ends.
_STAND_IN = """#!/bin/sh
echo "$@" >> "$CALLS"
case $(wc -l < "$CALLS") in 1) exit 5;; 2) exit 4;; *) exit 0;; esac
"""


def output_of(
    *command: object, environ: Mapping[str, str] | None = None, timeout_s: float = 60
) -> str:
    """Run a command that must succeed, and return all that it says."""
    done = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environ,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_systemd_takes_the_units(
    tmp_path: Path, without: Callable[[str], None]
) -> None:
    if shutil.which("systemd-analyze") is None:
        without("systemd-analyze")
    for unit in (SCHEDULES / "systemd").iterdir():
        # systemd looks whether the program is there.
        text = unit.read_text().replace(
            "/opt/batch-register/bin/batch-register", str(PROGRAM)
        )
        (tmp_path / unit.name).write_text(text)
    units = [
        tmp_path / f"batch-register@wave-07.{kind}" for kind in ("service", "timer")
    ]
    assert output_of("systemd-analyze", "verify", *units) == ""


def crontab_line() -> tuple[str, str]:
    """Return the times and the command of the one line that starts something."""
    (line,) = (
        line
        for line in (SCHEDULES / "crontab").read_text().splitlines()
        if re.match(r"[\d*]", line)
    )
    found = re.fullmatch(r"((?:\S+ +){5})(.*)", line)
    assert found is not None
    return found[1].strip(), found[2]


def test_cron_takes_the_times(checkers: Path) -> None:
    times, _ = crontab_line()
    asked = f"import croniter; print(croniter.croniter.is_valid({times!r}))"
    assert output_of(checkers / "python", "-c", asked) == "True\n"


@pytest.mark.parametrize("is_held", [False, True])
def test_crons_command_works_in_crons_bare_environment(
    tmp_path: Path, *, is_held: bool
) -> None:
    shutil.copy(REHEARSAL, tmp_path / "wave-07.yaml")
    _, command = crontab_line()
    command = command.replace("/srv/migration", str(tmp_path))
    command = command.replace("--max-duration 6h", "--simulate")
    # Cron's own rule: an unescaped % would end the command.
    assert "%" not in command
    bare = {"PATH": f"{PROGRAM.parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    ledger = tmp_path / "wave-07.simulated.ledger.jsonl"
    ledger.touch()
    holder = ["flock", "--exclusive", str(ledger), "sh", "-c", command]
    words = holder if is_held else ["sh", "-c", command]
    said = output_of(*words, environ=bare)
    assert (tmp_path / "wave-07.html").exists() is not is_held
    if not is_held:
        assert said == ""


KUBERNETES = ("cronjob.yaml", "cronjob-shards.yaml")


@pytest.mark.parametrize("name", KUBERNETES)
def test_kubernetes_takes_job_and_claim(checkers: Path, name: str) -> None:
    job = SCHEDULES / "kubernetes" / name
    said = output_of(checkers / "kubernetes-validate", "--strict", job)
    assert said.count("passed") == 2


def test_kubernetes_takes_the_workers_near_the_disks(checkers: Path) -> None:
    workers = SCHEDULES / "kubernetes" / "dask-workers.yaml"
    said = output_of(checkers / "kubernetes-validate", "--strict", workers)
    assert said.count("passed") == 3


def job_in(name: str) -> dict[str, Any]:
    """Return what the schedule starts every night."""
    text = (SCHEDULES / "kubernetes" / name).read_text()
    job: dict[str, Any] = next(yaml.safe_load_all(text))["spec"]["jobTemplate"]["spec"]
    return job


@pytest.mark.parametrize("name", KUBERNETES)
def test_the_pod_may_write_nothing_but_its_work_and_is_nobody(name: str) -> None:
    pod = job_in(name)["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    writable = [
        mount["name"]
        for mount in container["volumeMounts"]
        if not mount.get("readOnly", False)
    ]
    assert writable == ["work"]
    assert pod["terminationGracePeriodSeconds"] > 30  # a run's last calls


def test_each_pod_of_an_indexed_job_is_a_shard_with_files_of_its_own(
    tmp_path: Path,
) -> None:
    """Its words as Kubernetes expands them, given to the command itself."""
    job = job_in("cronjob-shards.yaml")
    (container,) = job["template"]["spec"]["containers"]
    assert job["completionMode"] == "Indexed"
    assert job["completions"] == job["parallelism"] == 4
    assert {rule["action"] for rule in job["podFailurePolicy"]["rules"]} == {
        "Ignore",
        "FailIndex",  # one shard's trouble does not end the others
    }
    files: set[tuple[str, str]] = set()
    for index in range(4):
        words = [
            word.replace("$(JOB_COMPLETION_INDEX)", str(index))
            for word in container["args"]
            if word.startswith("--")
        ]
        said = output_of(PROGRAM, "config", *words, "--output", "json")
        found = json.loads(said)["settings"]
        assert found["shard"]["value"] == f"{index}/4"
        files.add((found["ledger"]["value"], found["report"]["value"]))
    assert files == {
        (f"/data/wave-07.{n}-of-4.ledger.jsonl", f"/data/wave-07.{n}-of-4.html")
        for n in range(4)
    }


def test_hadolint_takes_the_containerfile(checkers: Path) -> None:
    said = output_of(checkers / "hadolint", SCHEDULES / "kubernetes" / "Containerfile")
    assert said == ""


def test_gitlab_takes_the_job(checkers: Path) -> None:
    schema = "vendor.gitlab-ci"
    job = SCHEDULES / "gitlab-ci.yml"
    assert "ok" in output_of(
        checkers / "check-jsonschema", "--builtin-schema", schema, job
    )


def calls_of(
    airflow: Path, tmp_path: Path, stand_in: str, *changes: tuple[str, str]
) -> list[str]:
    """Have Airflow run the schedule once, with changes; return the runs it started."""
    dags, programs, calls = tmp_path / "dags", tmp_path / "bin", tmp_path / "calls"
    dags.mkdir()
    programs.mkdir()
    program = programs / "batch-register"
    program.write_text(stand_in)
    program.chmod(0o755)
    text = (SCHEDULES / "airflow_nightly.py").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (dags / "airflow_nightly.py").write_text(text)
    environ = {
        "PATH": f"{programs}:{airflow}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "CALLS": str(calls),
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
    }
    airflow_program = airflow / "airflow"
    output_of(airflow_program, "db", "migrate", environ=environ)
    errors = output_of(airflow_program, "dags", "list-import-errors", environ=environ)
    assert "No data found" in errors
    output_of(
        *(airflow_program, "dags", "test", "register_wave_07"),
        environ=environ,
        timeout_s=120,
    )
    return calls.read_text().splitlines()


def test_airflow_defers_between_turns_and_ends_when_all_is_active(
    airflow: Path, tmp_path: Path
) -> None:
    quick = (
        "pause: timedelta = timedelta(minutes=10)",
        "pause: timedelta = timedelta(seconds=1)",
    )
    made = calls_of(airflow, tmp_path, _STAND_IN, quick)
    assert len(made) == 3
    assert made[0].startswith("run /srv/migration/wave-07.yaml --cloud my-cloud")
    assert "--shard" not in made[0]
    assert set(made) == {made[0]}  # the same command, again and again


def test_airflow_maps_a_task_to_each_shard(airflow: Path, tmp_path: Path) -> None:
    done = '#!/bin/sh\necho "$@" >> "$CALLS"\n'
    made = calls_of(airflow, tmp_path, done, ("SHARDS = 1", "SHARDS = 3"))
    assert len(made) == 3
    for index in range(3):
        (one,) = (each for each in made if f" --shard {index}/3 " in each)
        assert " --report /srv/migration/wave-07.{shard}.html " in one
