"""Which operating system a file name or a guest's name tells of, where it is certain.

Decides: a system is named only where the text tells its release, down to what the
catalogue tells apart, and tells of no other one. Must not know: files, tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from batch_register.scan.catalogue import known

_LONGEST: Final = 1_000  # characters of a text that are looked at


class Family(StrEnum):
    """What kind of system a text tells of."""

    LINUX = "Linux"
    WINDOWS = "Windows"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """What a text tells; `os_version` is None where it leaves a choice."""

    family: Family = Family.UNKNOWN
    distribution: str = ""  # of Linux; empty where none or several are named
    os_version: str | None = None


def recognised(text: str) -> System:
    """Return what a text tells of an operating system."""
    plain = _plain(text)
    family, distributions = _family(plain), _distributions(plain)
    if family is Family.UNKNOWN or len(distributions) > 1:
        return System(family=family)
    return System(
        family=family,
        distribution=next(iter(distributions), ""),
        os_version=_os_version(plain),
    )


def contradicts(system: System, os_version: str) -> bool:
    """Return whether a text of `os_version` is of another system."""
    other = recognised(os_version)
    if Family.UNKNOWN in (system.family, other.family):
        return False
    if system.family is not other.family:
        return True
    named = {system.distribution, other.distribution} - {""}
    return len(named) > 1


def _os_version(plain: str) -> str | None:
    """Return the one text of the catalogue that fits; None where there is a choice."""
    bits = _bits(plain)
    matches = [
        (each, found) for each in _RELEASES for found in each.pattern.finditer(plain)
    ]
    is_upgrade = re.search(r"\bto\b|\bupgraded?\b", plain) is not None
    if bits is None or is_upgrade or len(matches) != 1:
        return None
    release, found = matches[0]
    if _is_another_number(found, plain):
        return None
    names = [f"{name} {bits}bit" for name in release.names(found, plain)]
    return next(filter(None, map(known, names)), None)


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", " ", text[:_LONGEST].lower()).strip(" .")


_DATE: Final = re.compile(
    r"(?<![\d.])(?:\d{1,2} \d{1,2} (?:19|20)?\d\d|(?:19|20)\d\d \d{1,2} \d{1,2})\b"
    r"(?! ?bit)"
)
_AMOUNT: Final = re.compile(r" ?(?:[kmgt]i?b?|days?|weeks?|v?cpus?|cores)\b")


def _is_another_number(found: re.Match[str], plain: str) -> bool:
    """Return whether a release may be a date or a size: "ubuntu-18-04-2023", "win-10g"."""
    dates = _DATE.finditer(plain)
    is_date = any(
        each.start() < found.end() and found.start() < each.end() for each in dates
    )
    return is_date or _AMOUNT.match(plain, found.end()) is not None


_OTHER_PROCESSOR: Final = re.compile(
    r"\b(?:aarch64|arm(?:64|hf|el|v\d\w*)?|ia64|itanium|mips\w*|powerpc\w*|ppc\w*"
    r"|riscv\w*|s390x?|sparc\w*)\b"
)


def _bits(plain: str) -> int | None:
    """Return how wide the processor is; None where it is no x86."""
    if _OTHER_PROCESSOR.search(plain):
        return None
    if re.search(r"\b64 ?bit|x86 64\b|\b(?:x64|amd64)\b", plain):
        return 64
    return 32 if re.search(r"\b32 ?bit|\b(?:x86|x32|i[3-6]86)\b", plain) else 64


_WINDOWS: Final = re.compile(
    r"\b(?:windows|win ?(?:7|8|10|11|xp|20\d\d(?:r2)?|2k\d*)|w2k\d*)\b"
)
# Where a text names one of these, it is of no other one.
_DISTRIBUTIONS: Final = {
    name: re.compile(rf"\b(?:{pattern})(?=\b|\d)")
    for name, pattern in {
        "Ubuntu": "ubuntu",
        "Debian": "debian",
        "CentOS": "centos",
        "Red Hat": "rhel|red ?hat",
        "Fedora": "fedora",
        "SUSE": "sles|suse|opensuse",
        "Oracle": "ol|oel|oracle ?linux",
        "Rocky": "rocky",
        "AlmaLinux": "alma|almalinux",
        "EulerOS": "euleros",
        "openEuler": "openeuler",
        "CoreOS": "coreos",
        "Photon": "photon",
    }.items()
}


def _family(plain: str) -> Family:
    is_windows = _WINDOWS.search(plain) is not None
    is_linux = bool(_distributions(plain)) or " linux " in f" {plain} "
    if is_windows == is_linux:
        return Family.UNKNOWN
    return Family.WINDOWS if is_windows else Family.LINUX


def _distributions(plain: str) -> list[str]:
    return [name for name, each in _DISTRIBUTIONS.items() if each.search(plain)]


@dataclass(frozen=True, slots=True)
class _Release:
    """A system whose release `pattern` finds, and the names that it may have."""

    pattern: re.Pattern[str]
    names: Callable[[re.Match[str], str], Iterator[str]]


def _release(pattern: str, *names: str) -> _Release:
    """Return a release whose names are made of the pattern's groups."""

    def of(found: re.Match[str], plain: str) -> Iterator[str]:  # noqa: ARG001 - as others
        groups = [group or "" for group in found.groups()]
        yield from (name.format(*groups) for name in names)

    return _Release(re.compile(rf"\b{pattern}(?![\d.]*\d)"), of)


def _ubuntu(found: re.Match[str], plain: str) -> Iterator[str]:
    """Yield a point release, then its series: an updated system is one of the series."""
    if "desktop" in plain:  # the catalogue has servers only
        return
    series = f"{found[1]}.{found[2]}"
    if found[3]:
        yield f"Ubuntu {series}.{found[3]} server"
    yield f"Ubuntu {series} server"


_EDITIONS: Final = {
    "Standard": re.compile(r"\b(?:standard|std)\b"),
    "Datacenter": re.compile(r"\b(?:datacenter|data center)\b"),
    "Enterprise": re.compile(r"\b(?:enterprise|ent)\b"),
    "WEB": re.compile(r"\bweb edition\b"),  # a "web server" is what a machine does
    "Essentials": re.compile(r"\bessentials\b"),
    "Professional": re.compile(r"\b(?:professional|pro)\b"),
}
_BEFORE_EDITION: Final = re.compile(
    r"(?: ?(?:server|x64|x86|(?:64|32) ?bit|sp ?\d))* ?"
)


def _edition(plain: str, after: int) -> str | None:
    """Return the only edition that is named, if it stands right behind the release.

    Elsewhere it may be that of a program: "windows-2016-sql-2016-standard".
    """
    between = _BEFORE_EDITION.match(plain, after)
    start = between.end() if between else after
    named = [name for name, each in _EDITIONS.items() if each.search(plain)]
    if len(named) != 1:
        return None
    found = _EDITIONS[named[0]].match(plain, start)
    return named[0] if found and not plain.startswith(" r2", found.end()) else None


def _windows_server(found: re.Match[str], plain: str) -> Iterator[str]:
    edition = _edition(plain, found.end())
    if edition is None or "or later" in plain:
        return
    second = " R2" if found[2] else ""
    yield f"Windows Server {found[1]}{second} {edition}"
    yield f"Windows Server {found[1]} {edition}{second}"  # as Essentials is spelled


def _windows_client(found: re.Match[str], plain: str) -> Iterator[str]:
    if found[1] == "10":
        yield "Windows 10"
    elif edition := _edition(plain, found.end()):
        yield f"Windows {found[1]} {edition}"


# What a text must say, down to the release that the catalogue tells apart.
_RELEASES: Final = (
    _Release(
        re.compile(r"\bubuntu ?(?:linux |server )?(\d\d)[. ]?(04|10)(?:\.(\d))?(?!\d)"),
        _ubuntu,
    ),
    _release(r"centos ?(?:linux )?(?:release )?(\d\.\d+)(?:\.\d{4})?", "CentOS {}"),
    _release(
        r"(?:rhel|red ?hat(?: enterprise)?(?: linux)?(?: enterprise)?(?: server)?)"
        r" ?(?:release )?(\d\.\d+)",
        "Redhat Linux Enterprise {}",
        "Redhat {}",
    ),
    _release(
        r"(?:ol|oel|oracle ?linux(?: server)?) ?(?:release )?(\d\.\d+)",
        "Oracle Linux Server release {}",
    ),
    _release(
        r"(?:sles|suse linux enterprise(?: server)?) ?(\d\d) ?sp ?(\d)",
        "SUSE Linux Enterprise Server {} SP{}",
    ),
    _release(r"opensuse ?(?:leap )?(\d\d\.\d)", "openSUSE {}"),
    _release(r"debian ?(?:gnu linux )?(\d+\.\d+\.\d+)", "Debian GNU/Linux {}"),
    _release(r"fedora ?(?:linux )?(\d\d)", "Fedora {}"),
    _release(r"euleros ?(?:release )?(\d\.\d+)", "EulerOS {}"),
    _release(r"openeuler ?(?:release )?(\d\d\.\d\d)", "openEuler {}"),
    _Release(
        re.compile(
            r"\b(?:windows|win) ?(?:server )?(20(?:08|12|16|19|22|25))(?: ?(r2)\b)?"
        ),
        _windows_server,
    ),
    _Release(re.compile(r"\b(?:windows|win) ?(7|10|11)(?![\d.])"), _windows_client),
)
