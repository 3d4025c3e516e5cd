"""The files to be uploaded, opened where the settings say: here, or near a cluster.

Decides: which of the two, and what a missing extra is called. Must not know: uploads.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

from batch_register.errors import SettingsError
from batch_register.ports import SourceFiles
from batch_register.transport.tls import Tls
from batch_register.workers.cluster import Notice
from batch_register.workers.farm import FarmFiles
from batch_register.workers.local import LocalFiles


@asynccontextmanager
async def open_files(
    scheduler: str | None,
    *,
    tls: Tls,
    trust_env: bool,
    threads: int,
    notice: Notice,
    max_bytes_per_s: float | None = None,
) -> AsyncIterator[SourceFiles]:
    """Give the files until the context ends: this machine's, where `scheduler` is None.

    `threads` bounds what is done at once on this machine; a cluster's workers have
    threads of their own. `notice` is told of workers that are waited for or unfit.

    Raises:
        SettingsError: the extra is not installed, or the cluster runs another program.
        ServiceError: the scheduler cannot be reached.
    """
    if scheduler is None:
        async with LocalFiles(
            tls=tls,
            trust_env=trust_env,
            threads=threads,
            max_bytes_per_s=max_bytes_per_s,
        ) as files:
            yield files
        return
    try:
        dask_cluster = import_module("batch_register.workers.dask_cluster")
    except ModuleNotFoundError as exc:
        message = f"reading files by the workers of a cluster needs {exc.name}"
        hint = "install the extra: pip install 'batch-register[dask]'"
        raise SettingsError(message, hint=hint) from None
    async with (
        dask_cluster.connected(scheduler) as cluster,
        FarmFiles(
            cluster,
            tls=tls,
            trust_env=trust_env,
            notice=notice,
            max_bytes_per_s=max_bytes_per_s,
        ) as farm,
    ):
        yield farm
