"""`simulator`: the embedded cloud as a server, for rehearsals and other clients.

Decides: how it is started and how it tells where it is. Must not know: how it works.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import signal
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click

from batch_register.cli import candidates, stdout
from batch_register.cli.pages import Page
from batch_register.cli.rehearsal import fault_script_mistakes, load_fault_script
from batch_register.errors import SettingsError
from batch_register.manifest.rules import BUCKET_PATTERN
from batch_register.simulator import (
    PROFILES,
    Simulator,
    SimulatorOptions,
    StoredBucket,
)
from batch_register.simulator.profiles import ProfileName

CLOUD_NAME = "simulator"


@click.command(
    "simulator",
    cls=Page,
    examples=(
        "simulator > clouds.yaml",
        "simulator --speed 60 --fault-script faults.yaml > clouds.yaml",
        "simulator --bucket images > clouds.yaml",
    ),
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port on 127.0.0.1; left out, any free one.",
)
@click.option(
    "--fault-script",
    metavar="FILE",
    type=click.Path(path_type=Path),
    shell_complete=candidates.manifests,
    help="What shall go wrong, and when (YAML).",
)
@click.option(
    "--speed",
    type=float,
    callback=lambda _ctx, _param, value: _positive(value),
    default=1.0,
    show_default=True,
    help="Seconds that pass in the cloud in one second.",
)
@click.option(
    "--profile",
    type=click.Choice(list(PROFILES)),
    default=SimulatorOptions().profile,
    show_default=True,
    help="Which kind of cloud to be.",
)
@click.option(
    "--quota",
    type=click.IntRange(min=0),
    help="Private images that the project may have; left out, the profile's.",
)
@click.option(
    "--objects-exist/--only-listed",
    default=True,
    show_default=True,
    help="Whether a file that nobody put there is found all the same.",
)
@click.option(
    "--bucket",
    "buckets",
    metavar="NAME",
    multiple=True,
    callback=lambda _ctx, _param, names: tuple(map(_bucket_name, names)),
    help="A bucket that exists and is empty, to upload to; may be repeated.",
)
def command(  # noqa: PLR0913 - as many as there are flags
    *,
    port: int,
    fault_script: Path | None,
    speed: float,
    profile: ProfileName,
    quota: int | None,
    objects_exist: bool,
    buckets: tuple[str, ...],
) -> None:
    """Serve a simulated cloud on 127.0.0.1 until interrupted.

    Standard output gets a clouds.yaml that leads to it: send it to a file of that name,
    and other commands find the cloud with `--cloud simulator`.
    """
    options = SimulatorOptions(
        profile=profile,
        speed=speed,
        quota=quota,
        objects_exist_by_default=objects_exist,
    )
    script = load_fault_script(fault_script)
    try:
        with fault_script_mistakes(fault_script):
            simulator = Simulator(options, fault_script=script, port=port)
            asyncio.run(_serve(simulator, buckets))
    except OSError as error:
        message = f"port {port}: cannot be served: {error.strerror or error}"
        raise SettingsError(message, hint="choose another --port") from error


def _positive(speed: float) -> float:
    """Return the speed; click's own range lets "nan" through."""
    if not (speed > 0 and math.isfinite(speed)):
        message = "time must pass: a number above 0"
        raise click.BadParameter(message)
    return speed


def _bucket_name(name: str) -> str:
    if not re.fullmatch(BUCKET_PATTERN, name):
        message = f"{name!r} is no bucket's name: 3 to 63 of a-z, 0-9, - and ."
        raise click.BadParameter(message)
    return name


async def _serve(simulator: Simulator, buckets: Iterable[str]) -> None:
    """Serve until SIGINT or SIGTERM; the buckets hold only what is put into them."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with simulator:
        empty = (StoredBucket(name=name, makes_up_objects=False) for name in buckets)
        simulator.furnish((), empty)
        entry = {"clouds": {CLOUD_NAME: simulator.clouds_entry()}}
        stdout.write(f"# {simulator.url}, until interrupted\n{clouds_yaml(entry)}")
        await stopped.wait()


def clouds_yaml(clouds: Mapping[str, object]) -> str:
    """Return the text of a clouds.yaml."""
    return "".join(f"{line}\n" for line in _yaml_lines(clouds))


def _yaml_lines(mapping: Mapping[str, object], depth: int = 0) -> Iterator[str]:
    """Yield a mapping as YAML; a JSON scalar is a YAML scalar."""
    for key, value in mapping.items():
        indent = "  " * depth
        if isinstance(value, Mapping):
            yield f"{indent}{key}:"
            yield from _yaml_lines(value, depth + 1)
        else:
            yield f"{indent}{key}: {json.dumps(value)}"
