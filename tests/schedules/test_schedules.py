"""The schedules that we ship are taken by those who will run them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

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


def test_kubernetes_takes_job_and_claim(checkers: Path) -> None:
    job = SCHEDULES / "kubernetes" / "cronjob.yaml"
    said = output_of(checkers / "kubernetes-validate", "--strict", job)
    assert said.count("passed") == 2


def test_the_pod_may_write_nothing_but_its_work_and_is_nobody() -> None:
    text = (SCHEDULES / "kubernetes" / "cronjob.yaml").read_text()
    job = next(yaml.safe_load_all(text))
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
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


def test_hadolint_takes_the_containerfile(checkers: Path) -> None:
    said = output_of(checkers / "hadolint", SCHEDULES / "kubernetes" / "Containerfile")
    assert said == ""


def test_gitlab_takes_the_job(checkers: Path) -> None:
    schema = "vendor.gitlab-ci"
    job = SCHEDULES / "gitlab-ci.yml"
    assert "ok" in output_of(
        checkers / "check-jsonschema", "--builtin-schema", schema, job
    )


def test_airflow_defers_between_turns_and_ends_when_all_is_active(
    airflow: Path, tmp_path: Path
) -> None:
    dags, programs, calls = tmp_path / "dags", tmp_path / "bin", tmp_path / "calls"
    dags.mkdir()
    programs.mkdir()
    stand_in = programs / "batch-register"
    stand_in.write_text(_STAND_IN)
    stand_in.chmod(0o755)
    text = (SCHEDULES / "airflow_nightly.py").read_text()
    quick = text.replace(
        "pause: timedelta = timedelta(minutes=10)",
        "pause: timedelta = timedelta(seconds=1)",
    )
    assert quick != text
    (dags / "airflow_nightly.py").write_text(quick)
    environ = {
        "PATH": f"{programs}:{airflow}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "CALLS": str(calls),
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
    }
    output_of(airflow / "airflow", "db", "migrate", environ=environ)
    program = airflow / "airflow"
    errors = output_of(program, "dags", "list-import-errors", environ=environ)
    assert "No data found" in errors
    output_of(
        *(program, "dags", "test", "register_wave_07"), environ=environ, timeout_s=120
    )
    made = calls.read_text().splitlines()
    assert len(made) == 3
    assert made[0].startswith("run /srv/migration/wave-07.yaml --cloud my-cloud")
    assert set(made) == {made[0]}  # the same command, again and again
