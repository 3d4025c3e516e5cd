"""The forecast behind `plan`: what a run would do now.

Decides: what is asked of ledger and cloud, and how the answer is shown. Must not know:
how a forecast is made. Writes nothing, neither to the ledger nor to the cloud.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from pathlib import Path

from batch_register.cli import stdout
from batch_register.cli.assembly import (
    is_selected,
    ledger_path,
    retry_policy,
    the_cloud,
    the_part,
    throttled,
)
from batch_register.cli.connection import (
    WallClock,
    open_service,
    require_fitting_sources,
)
from batch_register.cli.console import log_plan
from batch_register.cli.display import Display
from batch_register.cli.observers import LogObserver
from batch_register.cli.source_desk import open_sources
from batch_register.engine import Batch, Look, Sourcing, foresee
from batch_register.errors import ServiceError
from batch_register.ledger import Replay, check_shard, check_target, read_ledger
from batch_register.logs import configured
from batch_register.manifest import load_manifest
from batch_register.model import EntryKey, Manifest
from batch_register.pacing import SettleTime
from batch_register.plan import Decision, needs_look
from batch_register.report.plain import printable
from batch_register.settings import Output, ResolvedSettings, Settings
from batch_register.shard import Shard, titled
from batch_register.stopping import Stop
from batch_register.throttle import Throttle


def show_forecast(path: Path, resolved: ResolvedSettings) -> None:
    """Say what a run would do to each entry of the manifest, and why.

    Raises:
        BatchRegisterError: manifest, ledger or cloud could not be read.
    """
    settings = resolved.settings
    with configured(log_plan(resolved, Display.NONE, sys.stderr, os.environ)):
        manifest = the_part(load_manifest(path), settings)
        ledger = ledger_path(path, settings)
        replay = read_ledger(ledger) if ledger.exists() else Replay()
        forecast = asyncio.run(_forecast(path, manifest, ledger, replay, settings))
    _show(forecast, manifest, settings)


async def _forecast(
    path: Path, manifest: Manifest, ledger: Path, replay: Replay, settings: Settings
) -> list[Decision]:
    clock, stop, observer = WallClock(), Stop(), LogObserver()
    batch = Batch(
        manifest=manifest,
        records=replay.records,
        is_selected=lambda key: is_selected(key, settings),
        is_new_ledger=not replay.runs,
        run_starts=[run.started_at for run in replay.runs],
    )
    await batch.declare(*await batch.changes())
    async with (
        the_cloud(manifest, ledger, settings) as cloud,
        open_service(cloud, settings, clock, stop=stop, observer=observer) as service,
    ):
        require_fitting_sources(path, manifest, service.profile)
        check_target(str(ledger), replay, manifest.name, service.target)
        check_shard(str(ledger), replay, settings.shard)
        throttle = throttled(service.images, settings, stop=stop, observer=observer)
        look = Look(
            throttle,
            manifest.name,
            poll_interval_s=settings.poll_interval_s,
            settle=SettleTime(least_s=settings.settle_s),
            stop=stop,
            observer=observer,
        )
        policy = retry_policy(settings)
        unmade = batch.unmade()
        async with open_sources(
            service, settings, unmade, observer, stop=stop
        ) as sources:
            sourcing = Sourcing(sources, stop=stop)
            await sourcing.look(await batch.work(policy), batch.records)
        for record, seen in sourcing.news(batch.records):
            record.apply(seen, "")
        work = await batch.work(policy)
        wants_look = needs_look(decision for _, decision in work)
        found = await look.all_entries() if wants_look else {}
        room = await _quota_room(throttle)
    return (await foresee(batch, work, found, room, sourcing.unfit)).decisions


async def _quota_room(service: Throttle) -> int | None:
    """Return how many images still fit, None where the cloud does not tell."""
    try:
        quota = await service.get_quota()
    except ServiceError as error:
        LogObserver().noticed("quota.not_told", error=error.fault.sentence())
        return None
    return max(quota.limit - quota.used, 0)


def _show(forecast: list[Decision], manifest: Manifest, settings: Settings) -> None:
    shard = settings.shard
    if settings.output is Output.JSON:
        stdout.write_json(_document(forecast, manifest, shard))
        return
    counts = Counter(str(decision.intention) for decision in forecast)
    if settings.output is Output.TABLE and forecast:
        width = max(len(printable(decision.key)) for decision in forecast)
        stdout.write("".join(_line(decision, width) for decision in forecast) + "\n")
    summary = ", ".join(f"{count} {word}" for word, count in counts.items())
    stdout.write(f"{titled(manifest.name, shard)}: {summary or 'nothing to do'}\n")


def _line(decision: Decision, width: int) -> str:
    key = printable(decision.key).ljust(width)
    return f"{decision.intention:<8}  {key}  {printable(decision.reason)}\n"


def _document(
    forecast: list[Decision], manifest: Manifest, shard: Shard | None
) -> dict[str, object]:
    names: dict[EntryKey, str] = {spec.key: spec.name for spec in manifest.images}
    return {
        "version": 1,
        "manifest": manifest.name,
        "shard": None if shard is None else str(shard),
        "summary": Counter(str(decision.intention) for decision in forecast),
        "entries": [
            {
                "key": decision.key,
                "name": names.get(decision.key),
                "intention": str(decision.intention),
                "reason": decision.reason,
            }
            for decision in forecast
        ],
    }
