"""The example's Dask configuration: who has no certificate cannot speak to a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dask
import pytest
import trustme
import yaml

from batch_register.errors import ServiceError, SettingsError
from batch_register.model import FilePlace
from batch_register.transport.tls import Tls
from batch_register.workers.opening import open_files
from tests.dask.cluster import Farm, farm

pytestmark = pytest.mark.integration

_EXAMPLE = (
    Path(__file__).parents[2] / "manifests" / "schedules" / "kubernetes" / "dask.yaml"
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a folder with the example, whose certificates are there."""
    authority, folder = trustme.CA(), tmp_path / "config"
    folder.mkdir()
    certificate = authority.issue_cert("dask")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(folder / "dask.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "dask-key.pem"))
    text = _EXAMPLE.read_text().replace("/tls/", f"{folder}/")
    (folder / "dask.yaml").write_text(text)
    return folder


@pytest.fixture
def guarded(tmp_path: Path, config: Path) -> Iterator[Farm]:
    with farm(tmp_path / "dask", {"DASK_CONFIG": str(config)}) as ours:
        ours.start_scheduler("--protocol", "tls")
        ours.start_worker("nas-01")
        yield ours


def _silent(name: str, **facts: object) -> None:
    """Take note of nothing."""


def _merged(config: Path) -> dict[str, object]:
    """Return what the example adds to Dask's defaults."""
    comm = yaml.safe_load((config / "dask.yaml").read_text())["distributed"]["comm"]
    return {f"distributed.comm.tls.{name}": one for name, one in comm["tls"].items()}


async def _stamps(guarded: Farm, place: FilePlace) -> bool:
    async with open_files(
        guarded.address, tls=Tls(), trust_env=False, threads=1, notice=_silent
    ) as files:
        return await files.stamp(place) is not None


async def test_only_who_has_a_certificate_may_speak_to_the_cluster(
    guarded: Farm, config: Path
) -> None:
    place = FilePlace(path=str(config / "dask.yaml"))
    assert guarded.address.startswith("tls://")
    with pytest.raises(ServiceError) as caught:
        await _stamps(guarded, place)
    assert caught.value.fault.code == "dask.no-scheduler"
    assert "does not take our certificate" in caught.value.fault.reason
    with dask.config.set(_merged(config)):
        assert await _stamps(guarded, place)
    gone = {"distributed.comm.tls.ca-file": str(config / "gone.pem")}
    with (
        dask.config.set(_merged(config) | gone),
        pytest.raises(SettingsError, match=r"tls://.*FileNotFoundError") as refused,
    ):
        await _stamps(guarded, place)
    assert "distributed.comm.tls" in refused.value.hint
