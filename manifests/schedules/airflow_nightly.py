"""A wave of images every night, by Airflow 3: a worker is taken only while there is work.

Put this file into the DAG folder and `batch-register` on the workers' PATH. Each turn is
one `batch-register run` with a short window; what the cloud is still busy with then goes
on without us: the task defers, its worker is free, and a trigger wakes it for the next
turn. Manifest and ledger lie in a folder that all workers share.

With several SHARDS there is a mapped task for each: a part of the manifest, with a ledger
of its own, on whichever worker. Their reports are made one by `batch-register report`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import DAG, BaseOperator
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

GOES_ON = frozenset({4, 5, 130, 143})  # the same command goes on where it stopped
ANOTHER_RUN = 7
NEEDS_A_PERSON = frozenset({2, 3, 6, 65, 77})  # another try tonight would not help
SHARDS = 1  # another number moves entries to other ledgers: images are found by tags


class BatchRegisterOperator(BaseOperator):
    """Run `batch-register run` in turns until no image is under way any more."""

    template_fields: Sequence[str] = ("manifest", "options")

    def __init__(
        self,
        *,
        manifest: str,
        options: Sequence[str] = (),
        turn: timedelta = timedelta(minutes=10),
        pause: timedelta = timedelta(minutes=10),
        **kwargs: Any,  # noqa: ANN401 - Airflow's
    ) -> None:
        super().__init__(**kwargs)
        self.manifest = manifest
        self.options = options
        self.turn = turn
        self.pause = pause

    def execute(
        self,
        context: Context,  # noqa: ARG002 - Airflow's
        event: object = None,  # noqa: ARG002 - what a trigger says: the time
    ) -> None:
        """Run one turn, and end, fail or defer by its exit code."""
        window = f"{self.turn.total_seconds():.0f}s"
        command = ["batch-register", "run", self.manifest, *self.options]
        command += ["--max-duration", window, "--progress", "plain"]
        code = subprocess.run(command, check=False).returncode  # noqa: S603 - our own words
        self.log.info("batch-register ended with %d", code)
        if code in GOES_ON:
            self.defer(trigger=TimeDeltaTrigger(self.pause), method_name="execute")
        message = f"batch-register ended with {code}"
        if code == ANOTHER_RUN:
            raise AirflowSkipException(message)
        if code in NEEDS_A_PERSON:
            raise AirflowFailException(message)
        if code:
            raise AirflowException(message)  # Airflow's own retries help


def options(map_index: int) -> list[str]:
    """Return what the run of one mapped task is told."""
    common = ["--cloud", "my-cloud"]
    if SHARDS == 1:
        return [*common, "--report", "/srv/migration/wave-07.html"]
    shard = ["--shard", f"{map_index}/{SHARDS}"]
    return [*common, *shard, "--report", "/srv/migration/wave-07.{shard}.html"]


with DAG(
    dag_id="register_wave_07",
    schedule="30 1 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=6),  # the night: the next one goes on
    tags=["batch-register"],
):
    BatchRegisterOperator.partial(
        task_id="register",
        manifest="/srv/migration/wave-07.yaml",
        retries=3,
        retry_delay=timedelta(minutes=15),
    ).expand(options=[options(map_index) for map_index in range(SHARDS)])
