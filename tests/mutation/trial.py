"""One mutant on trial: a forked process that imports it and runs the module's tests."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType

import aiohttp  # noqa: F401 - what tests need is imported once, before the fork
import hypothesis  # noqa: F401
import pytest

LIMIT_S = 60  # a mutant that takes longer hangs: the tests of a module take seconds
SURVIVED, KILLED, STILLBORN = 0, 1, 99  # stillborn: it cannot even be imported
PYTEST = [
    *("-x", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=ci"),
    *("-W", "ignore:Module already imported so cannot be rewritten"),
]


class _Mutated(SourceFileLoader):
    """Finds one module only, and gives it another text."""

    def __init__(self, name: str, path: Path, text: bytes) -> None:
        super().__init__(name, str(path))
        self._text = text

    def find_spec(
        self, name: str, _path: object, _target: object = None
    ) -> ModuleSpec | None:
        if name != self.name:
            return None
        return spec_from_file_location(name, self.path, loader=self)

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = compile(self._text, self.path, "exec", dont_inherit=True)
        return code


def try_out(module: str, path: Path, text: bytes, tests: str) -> int:
    """Return how the tests end (see above) with this text in place of the module's."""
    child = os.fork()
    if not child:
        os._exit(_run(_Mutated(module, path, text), tests))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == pytest.ExitCode.INTERRUPTED:  # the tests call the mutant while collected
        return KILLED
    if code not in (SURVIVED, KILLED, STILLBORN, -signal.SIGALRM):
        message = f"pytest ended with {code} on a mutant of {module}"
        raise RuntimeError(message)
    return code


def _run(mutated: _Mutated, tests: str) -> int:
    signal.alarm(LIMIT_S)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sys.dont_write_bytecode = True
    for name in [n for n in sys.modules if n.partition(".")[0] == "batch_register"]:
        del sys.modules[name]
    sys.meta_path.insert(0, mutated)
    try:
        import_module(mutated.name)
    except Exception:  # noqa: BLE001 - whatever it is, this is no program
        return STILLBORN
    return int(pytest.main([*PYTEST, tests]))
