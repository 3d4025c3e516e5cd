"""Real images for all tests here, made once each; skipped, loudly, without qemu-img."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.environments import NotToBeHadError, tell_untested
from tests.inspection import qemu

_WHY = pytest.StashKey[str]()

MakeImage = Callable[[str, str], Path]


@pytest.fixture(scope="session")
def qemu_img(request: pytest.FixtureRequest) -> qemu.QemuImg:
    try:
        return qemu.qemu_img()
    except NotToBeHadError as why:
        request.config.stash[_WHY] = str(why)
        pytest.skip(f"no qemu-img here: {why}")


@pytest.fixture(scope="session")
def make_image(
    qemu_img: qemu.QemuImg, tmp_path_factory: pytest.TempPathFactory
) -> MakeImage:
    """Return what makes an image by its name and a line of qemu-img's arguments."""
    folder = tmp_path_factory.mktemp("images")
    source = qemu.make_source(folder / "source.raw")
    places = {"source": str(source), "folder": str(folder)}

    def make(name: str, line: str) -> Path:
        image = folder / name
        if not image.exists():
            for command in line.split(" && "):
                words = [word.format(**places, image=image) for word in command.split()]
                qemu_img.do(*words)
        return image

    return make


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if why := config.stash.get(_WHY, None):
        where = "/inspection/"
        tell_untested(terminalreporter, "REAL DISK IMAGES", where=where, why=why)
