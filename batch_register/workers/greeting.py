"""Whether a process of the cluster can do our work: the same program, the same files.

Decides: what a process tells of itself, and what is wrong with it. Must not know: Dask.
"""

from __future__ import annotations

import os
import platform
import re
import socket
from dataclasses import dataclass

from batch_register import __version__

_PACKAGE = "batch_register"
_IMPORT_FAILED = re.compile("ModuleNotFoundError|ImportError|AttributeError")


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """What a process of the cluster tells of itself; `missing`: files that it lacks."""

    version: str
    python: str  # such as 3.11.7
    host_name: str
    missing: tuple[str, ...] = ()


def greet(files: tuple[str, ...] = ()) -> Greeting:
    """Tell of this process, and which of these files it cannot read."""
    return Greeting(
        version=__version__,
        python=platform.python_version(),
        host_name=socket.gethostname(),
        missing=tuple(one for one in files if not os.access(one, os.R_OK)),
    )


def complaint(answer: object, own: Greeting) -> str:
    """Return what is wrong with a process by its greeting, as a clause; empty: nothing.

    `answer` is a `Greeting`, or the exception that came instead of one.
    """
    if not isinstance(answer, Greeting):
        return _silence(answer, own)
    if answer.version != own.version:
        return f"has batch-register {answer.version}, this is {own.version}"
    if _line(answer.python) != _line(own.python):
        return f"has Python {answer.python}, this is {own.python}"
    if answer.missing:
        return f"cannot read {', '.join(answer.missing)}"
    return ""


def _silence(answer: object, own: Greeting) -> str:
    # Dask wraps what it cannot unpickle elsewhere into an exception that quotes it.
    told = f"{type(answer).__name__}: {answer}"
    if f"No module named '{_PACKAGE}'" in told.replace("\\", ""):
        return f"lacks batch-register {own.version}"
    if _IMPORT_FAILED.search(told):
        return f"has another version of batch-register than {own.version}"
    return f"does not answer ({type(answer).__name__})"


def _line(python: str) -> str:
    """Return 3.11 of 3.11.7: what is pickled by the one can be read by the other."""
    return ".".join(python.split(".")[:2])
