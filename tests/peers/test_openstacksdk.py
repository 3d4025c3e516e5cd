"""openstacksdk, which knows nothing of this project, reads images from the simulator."""

from __future__ import annotations

import asyncio
from pathlib import Path

import openstack
import pytest
from keystoneauth1.exceptions.http import Unauthorized

from batch_register.simulator import (
    ApplicationCredential,
    SeedImage,
    Simulator,
    SimulatorOptions,
    UserAccount,
)
from batch_register.simulator.app import AuthKind

pytestmark = [
    pytest.mark.peer,
    # openstacksdk warns of what its own next releases will remove, at every call.
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
]

FIRST = "4f6c2a10-0b7e-4a53-9a51-8d2f0c1e7b11"
SECOND = "5a7d3b21-1c8f-4b64-8b62-9e3f1d2f8c22"
CREDENTIAL = ApplicationCredential(id="a" * 32, name="night", secret="made-up")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


def _seed(simulator: Simulator) -> None:
    simulator.seed_image(
        SeedImage(id=FIRST, name="web-01", tags=("batch=nightly",), size_bytes=5 << 30)
    )
    simulator.seed_image(SeedImage(id=SECOND, name="db-01", status="queued"))


def _read(entry: dict[str, object]) -> tuple[list[tuple[str, str, str]], str, str]:
    with openstack.connect(
        load_envvars=False, load_yaml_config=False, **entry
    ) as connection:
        # A page of one, so that the link to the next page is followed.
        found = connection.image.images(limit=1)
        images = [(image.id, image.name, image.status) for image in found]
        one = connection.image.get_image(FIRST)
        by_name = connection.image.find_image("db-01")
        return sorted(images), one.name, by_name.id


@pytest.mark.parametrize("auth", ["password", "application_credential", "token"])
@pytest.mark.parametrize("endpoint", ["override", "catalogue"])
async def test_lists_and_reads_images(auth: AuthKind, endpoint: str) -> None:
    """Log in with each method, find the endpoint, page through the native list."""
    users = (UserAccount(application_credentials=(CREDENTIAL,)),)
    async with Simulator(SimulatorOptions(users=users)) as simulator:
        _seed(simulator)
        entry = simulator.clouds_entry(auth)
        if endpoint == "catalogue":
            del entry["image_endpoint_override"]
        images, name, found = await asyncio.to_thread(_read, entry)
        assert images == [(FIRST, "web-01", "active"), (SECOND, "db-01", "queued")]
        assert (name, found) == ("web-01", SECOND)
        assert len(simulator.audit.of_route("token.create")) >= (auth != "token")


async def test_a_wrong_password_is_refused() -> None:
    """The identity service's own error body reaches the caller as such."""
    async with Simulator() as simulator:
        entry = simulator.clouds_entry()
        assert isinstance(entry["auth"], dict)
        entry["auth"]["password"] = "wrong"
        with pytest.raises(Unauthorized, match="username or password is wrong"):
            await asyncio.to_thread(_read, entry)
