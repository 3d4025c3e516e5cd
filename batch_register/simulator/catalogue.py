"""Operating systems: which strings are known and what they say about an image.

Source: the list of ``__os_version`` values of the IMS API reference, shortened to a
representative part, plus newer values that the live call returns.
"""

from __future__ import annotations

from dataclasses import dataclass

OTHER_LINUX = "Other Linux(64 bit)"

_VERSIONS: dict[str, tuple[str, ...]] = {
    "Windows": (
        "Windows 10 64bit",
        "Windows 7 Professional 32bit",
        "Windows Server 2016 Standard 64bit",
        "Windows Server 2016 Datacenter 64bit",
        "Windows Server 2012 R2 Datacenter 64bit",
        "Windows Server 2019 Standard 64bit",
    ),
    "SUSE": (
        "SUSE Linux Enterprise Server 15 SP1 64bit",
        "SUSE Linux Enterprise Server 12 SP5 64bit",
        "SUSE Linux Enterprise Server 11 SP3 32bit",
    ),
    "Oracle Linux": (
        "Oracle Linux Server release 7.6 64bit",
        "Oracle Linux Server release 6.10 64bit",
    ),
    "Red Hat": (
        "Redhat Linux Enterprise 8.0 64bit",
        "Redhat 7.6 64bit",
        "Redhat Linux Enterprise 7.5 64bit",
        "Redhat Linux Enterprise 6.6 32bit",
    ),
    "Ubuntu": (
        "Ubuntu 24.04 server 64bit",
        "Ubuntu 22.04 server 64bit",
        "Ubuntu 20.04 server 64bit",
        "Ubuntu 18.04 server 64bit",
        "Ubuntu 16.04 server 64bit",
        "Ubuntu 16.04.3 Server 64bit",
        "Ubuntu 14.04 server 32bit",
    ),
    "OpenSUSE": ("openSUSE 15.1 64bit", "openSUSE 42.3 64bit"),
    "CentOS": (
        "CentOS 8.0 64bit",
        "CentOS 7.9 64bit",
        "CentOS 7.6 64bit",
        "CentOS 6.10 32bit",
    ),
    "Debian": (
        "Debian GNU/Linux 12.0.0 64bit",
        "Debian GNU/Linux 11.1.0 64bit",
        "Debian GNU/Linux 10.0.0 64bit",
        "Debian GNU/Linux 9.3.0 64bit",
    ),
    "Fedora": ("Fedora 30 64bit", "Fedora 29 64bit"),
    "EulerOS": ("EulerOS 2.9 64bit", "EulerOS 2.5 64bit", "openEuler 20.03 64bit"),
    "CoreOS": ("CoreOS 1068.10.0", "CoreOS 1298.6.0"),
    "Other": (OTHER_LINUX,),
}
_PLATFORMS = {
    version: platform for platform, group in _VERSIONS.items() for version in group
}


@dataclass(frozen=True, slots=True)
class OsFacts:
    """What the service derives from an ``__os_version``."""

    os_type: str
    platform: str
    os_bit: str


def is_known(os_version: str) -> bool:
    """Say whether the catalogue holds exactly this string."""
    return os_version in _PLATFORMS


def facts_of(os_version: str) -> OsFacts:
    """Derive type, platform and width; an unknown string is some other Linux."""
    platform = _PLATFORMS.get(os_version) or _guess(os_version)
    os_type = "Windows" if platform == "Windows" else "Linux"
    os_bit = "32" if "32bit" in os_version else "64"
    return OsFacts(os_type, platform, os_bit)


def _guess(os_version: str) -> str:
    # The static list is old: a newer release of a known family keeps its platform.
    word = os_version.split(" ", 1)[0].casefold()
    for platform in _VERSIONS:
        if platform.split(" ", 1)[0].casefold() == word:
            return platform
    return "Other"


def document() -> list[dict[str, object]]:
    """Return the answer of the live call: a bare array, widths as integers."""
    return [
        {"platform": platform, "version_list": [_entry(text) for text in group]}
        for platform, group in _VERSIONS.items()
    ]


def _entry(os_version: str) -> dict[str, object]:
    facts = facts_of(os_version)
    return {
        "platform": facts.platform,
        "os_version_key": os_version,
        "os_version": os_version,
        "os_bit": int(facts.os_bit),
        "os_type": facts.os_type,
    }
