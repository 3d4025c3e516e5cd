"""Editors' tools in folders of their own; skipped, loudly, where not to be had."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from batch_register.manifest import schema_text
from tests.editor.language_server import LanguageServer
from tests.environments import (
    NotToBeHadError,
    environment,
    node_modules,
    tell_untested,
)

_SERVER = "yaml-language-server@2.0.0"
_AJV = "ajv@8.17.1"
_CHECKER = "check-jsonschema==0.39.0"
_WHY = pytest.StashKey[str]()


def _skip(request: pytest.FixtureRequest, why: NotToBeHadError) -> None:
    request.config.stash[_WHY] = str(why)
    pytest.skip(f"no editor's tools here: {why}")


@pytest.fixture(scope="session")
def modules(request: pytest.FixtureRequest) -> Path:
    """Return the folder that the language server and ajv are in."""
    try:
        with node_modules("editor", _SERVER, _AJV) as folder:
            return folder
    except NotToBeHadError as why:
        _skip(request, why)
        raise


@pytest.fixture(scope="session")
def checker(request: pytest.FixtureRequest) -> Path:
    """Return the program `check-jsonschema`."""
    try:
        with environment("check-jsonschema", _CHECKER) as env:
            return env / "bin" / "check-jsonschema"
    except NotToBeHadError as why:
        _skip(request, why)
        raise


@pytest.fixture
def schema_file(tmp_path: Path) -> Path:
    """Return the schema's file, beside which manifests may be put."""
    path = tmp_path / "manifest.schema.json"
    path.write_text(schema_text(), encoding="utf-8")
    return path


@pytest.fixture
def server(modules: Path, schema_file: Path) -> Iterator[LanguageServer]:
    """Run the language server that most YAML editors use."""
    program = modules / "yaml-language-server" / "bin" / "yaml-language-server"
    with LanguageServer(program, schema_file.parent) as running:
        yield running


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if why := config.stash.get(_WHY, None):
        tell_untested(
            terminalreporter, "EDITORS' TOOLS", where="/editor/test_tools", why=why
        )
