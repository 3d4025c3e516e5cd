"""The programs that others read our exports with: pandas, DuckDB, JUnit readers, parallel.

Each is taken from a package index and kept in the tests' cache folder. The schema of
JUnit XML is Jenkins' own, `junit-10.xsd` (MIT), as pytest's source distribution has it.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.environments import NotToBeHadError, environment, pip, unpacked

PACKAGES = (
    *("duckdb==2.0.1", "pandas==3.1.1", "pytz"),  # DuckDB gives zoned stamps by pytz
    *("junitparser==5.0.3", "xmlschema==4.3.2"),
)
_SCHEMA_FROM = "pytest==9.0.2"


@dataclass(frozen=True, slots=True)
class Readers:
    """A Python that has the readers, and the schema of JUnit XML."""

    python: Path
    junit_schema: Path


def readers() -> Readers:
    """Return what is kept; install it where it is not there yet.

    Raises:
        NotToBeHadError: the package index does not give what is needed.
    """
    with environment("readers", *PACKAGES) as env:
        schema = env / "junit-10.xsd"
        if not schema.exists():
            _fetch_schema(env, schema)
    return Readers(env / "bin" / "python", schema)


def _fetch_schema(env: Path, schema: Path) -> None:
    source = ("--no-deps", "--no-binary", ":all:", "--dest", str(env))
    pip(env, "download", *source, _SCHEMA_FROM)
    (archive,) = env.glob("pytest-*.tar.gz")
    with tarfile.open(archive) as files:
        name = next(name for name in files.getnames() if name.endswith(schema.name))
        member = files.extractfile(name)
        assert member is not None
        schema.write_bytes(member.read())


def gnu_parallel() -> Path:
    """Return GNU parallel: this machine's, else Debian's, unpacked and not installed.

    Raises:
        NotToBeHadError: there is neither.
    """
    found = shutil.which("parallel")
    if found is not None and _is_gnu(Path(found)):
        return Path(found)
    program = unpacked("parallel") / "usr" / "bin" / "parallel"
    if not _is_gnu(program):
        raise NotToBeHadError(f"{program} does not run")
    return program


def _is_gnu(program: Path) -> bool:
    done = subprocess.run(
        [program, "--version"], capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout.startswith("GNU parallel")
