"""A real S3 server and qemu-img for the tests here; skipped, loudly, without them."""

from __future__ import annotations

import pytest

from tests.environments import NotToBeHadError, tell_untested
from tests.inspection.qemu import QemuImg, qemu_img as found_qemu_img
from tests.object_store.fixtures import object_store, tell_unserved

__all__ = ["object_store"]  # fixtures

_WHY = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def qemu_img(request: pytest.FixtureRequest) -> QemuImg:
    try:
        return found_qemu_img()
    except NotToBeHadError as why:
        request.config.stash[_WHY] = str(why)
        pytest.skip(f"no qemu-img here: {why}")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    where = "/scan/"
    tell_unserved(terminalreporter, config, where=where)
    if why := config.stash.get(_WHY, None):
        tell_untested(
            terminalreporter, "A BUCKET OF REAL DISK IMAGES", where=where, why=why
        )
