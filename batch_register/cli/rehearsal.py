"""A simulated cloud inside this process, furnished for one manifest.

Decides: what that cloud holds at the start: the manifest's files, and the images that
the rehearsal's own ledger tells of. Must not know: how a run works.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Literal

from batch_register.entry import EntryRecord
from batch_register.errors import SettingsError
from batch_register.identity.cloud import Cloud
from batch_register.identity.entry import cloud_from_entry
from batch_register.identity.entry_keys import Origin
from batch_register.ledger import read_ledger
from batch_register.model import (
    ENTRY_TAG,
    MANIFEST_TAG,
    SPEC_TAG,
    EntryKey,
    Manifest,
    entry_digest,
)
from batch_register.simulator import (
    FaultScript,
    FaultScriptError,
    SeedImage,
    Simulator,
    SimulatorOptions,
    StoredObject,
)
from batch_register.stage import (
    Active,
    Created,
    Failed,
    Registered,
    Registering,
    Replacing,
    Unknown,
)

# A minute of the cloud in a second: imports of minutes are seen in seconds.
SPEED = 60.0
_LEAST_QUOTA = 1000

Status = Literal["queued", "saving", "active", "killed"]


def load_fault_script(path: Path | None) -> FaultScript | None:
    """Return the script, or None where no file was named.

    Raises:
        SettingsError: the file cannot be read or is not a fault script.
    """
    if path is None:
        return None
    with fault_script_mistakes(path):
        return FaultScript.load(path)


@contextmanager
def fault_script_mistakes(path: Path | None) -> Iterator[None]:
    """Turn what the simulator says of a fault script into a SettingsError."""
    try:
        yield
    except FaultScriptError as error:
        message = "\n".join(f"{path}: {problem}" for problem in error.problems)
        raise SettingsError(message, hint="mend the fault script") from error


@asynccontextmanager
async def rehearsal(
    manifest: Manifest, ledger: Path, script_path: Path | None
) -> AsyncIterator[Cloud]:
    """Serve a cloud for this manifest on the loopback address, and say how to reach it.

    Raises:
        SettingsError: the fault script cannot be used.
        LedgerError: the rehearsal's ledger cannot be read.
    """
    script = load_fault_script(script_path)
    options = SimulatorOptions(
        speed=SPEED,
        quota=max(_LEAST_QUOTA, 2 * len(manifest.images)),
        objects_exist_by_default=True,
    )
    async with AsyncExitStack() as stack:
        simulator = Simulator(options, fault_script=script)
        with fault_script_mistakes(script_path):  # it knows which routes there are
            await stack.enter_async_context(simulator)
        simulator.furnish(
            StoredObject(image_url=spec.image_url, size_bytes=spec.size_bytes)
            for spec in manifest.images
            if spec.size_bytes is not None
        )
        for seed in _seeds(manifest.name, ledger):
            simulator.seed_image(seed)
        here = Path()  # it names no files
        origin = Origin(
            name="simulated", source="the simulated cloud", cwd=here, home=here
        )
        yield cloud_from_entry(simulator.clouds_entry(), origin)


def _seeds(manifest_name: str, ledger: Path) -> Iterator[SeedImage]:
    """Yield the images that earlier rehearsals left in their cloud."""
    if not ledger.exists() or ledger.stat().st_size == 0:
        return
    for record in read_ledger(ledger).records.values():
        seed = _seed(manifest_name, record)
        if seed is not None:
            yield seed


def _seed(manifest_name: str, record: EntryRecord) -> SeedImage | None:
    status = _status(record)
    if status is None or record.image_id is None:
        return None
    return SeedImage(
        id=record.image_id,
        name=record.name,
        tags=_tags(manifest_name, record.key, record.made_spec or ""),
        status=status,
        size_bytes=record.size_bytes or 0,
        image_url=record.image_url,
        job_id=record.job_id if status == "saving" else None,
    )


def _status(record: EntryRecord) -> Status | None:
    """Return how the cloud would show the image that the ledger tells of."""
    stage = record.stage.was if isinstance(record.stage, Unknown) else record.stage
    match stage:
        case Active():
            return "active"
        case Registered():
            return "saving"
        case Created() | Registering() | Failed(shell_reusable=True):
            return "queued"
        case Failed() | Replacing():
            return "killed"
        case _:
            return None


def _tags(manifest_name: str, key: EntryKey, spec: str) -> tuple[str, ...]:
    tags = {
        MANIFEST_TAG: manifest_name,
        ENTRY_TAG: entry_digest(manifest_name, key),
        SPEC_TAG: spec,
    }
    return tuple(f"{name}={value}" for name, value in tags.items())
