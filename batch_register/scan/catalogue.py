"""Operating systems by the exact texts that the image service knows.

Decides: which texts of `os_version` are known. Must not know: how a system is
recognised.

Sources: Image Management Service API reference, "Values of Related Parameters"; the
Ubuntu releases after it by the names of the providers' public images.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final


def _all(pattern: str, versions: str, bits: str = "64") -> Iterator[str]:
    """Yield the pattern with every version and every width filled in."""
    for version in versions.split("|"):
        for width in bits.split():
            yield f"{pattern.format(version)} {width}bit"


CATALOGUE: Final = frozenset(
    (
        "Windows 10 64bit",
        "Windows Server 2012 Essentials R2 64bit",
        *_all("Windows 7 {}", "Enterprise"),
        *_all("Windows 7 {}", "Professional", "64 32"),
        *_all("Windows Server 2016 {}", "Standard|Datacenter"),
        *_all("Windows Server 2012 R2 {}", "Standard|Datacenter"),
        *_all("Windows Server 2012 {}", "Standard|Datacenter"),
        *_all("Windows Server 2008 R2 {}", "WEB|Standard|Enterprise|Datacenter"),
        *_all("SUSE Linux Enterprise Server {}", "15 SP1|15|12 SP5|12 SP4|12 SP3"),
        *_all("SUSE Linux Enterprise Server {}", "12 SP2|12 SP1|12|11 SP4|11 SP1"),
        *_all("SUSE Linux Enterprise Server {}", "11 SP3", "64 32"),
        *_all("Oracle Linux Server release {}", "7.6|7.5|7.4|7.3|7.2|7.1|7.0"),
        *_all("Oracle Linux Server release {}", "6.10|6.9|6.8|6.7|6.5"),
        *_all("Redhat Linux Enterprise {}", "8.0|7.5|7.4|7.3|7.2|7.1|7.0"),
        *_all("Redhat Linux Enterprise {}", "6.10|6.9|6.8|6.7|6.5"),
        *_all("Redhat Linux Enterprise {}", "6.6|6.4", "64 32"),
        "Redhat 7.6 64bit",
        *_all("Ubuntu {} server", "24.04|22.04|20.04|19.04|18.04|16.04|14.04.5"),
        *_all("Ubuntu {} Server", "16.04.3|16.04.2"),
        *_all("Ubuntu {} server", "14.04|14.04.4|14.04.3|14.04.1", "64 32"),
        *_all("openSUSE {}", "42.3|42.2|42.1|15.1|15.0|13.2|11.3"),
        *_all("CentOS {}", "8.0|7.7|7.6|7.5|7.4|7.3|7.2|7.1|6.8"),
        *_all("CentOS {}", "7.0|6.10|6.9|6.7|6.6|6.5|6.4|6.3", "64 32"),
        *_all("Debian GNU/Linux {}", "10.0.0|9.3.0|9.0.0|8.10.0|8.8.0|8.7.0|8.6.0"),
        *_all("Debian GNU/Linux {}", "8.5.0|8.4.0|8.2.0|8.1.0"),
        *_all("Fedora {}", "30|29|28|27|26|25|24|23|22"),
        *_all("EulerOS {}", "2.9|2.5|2.3|2.2|2.1"),
        "openEuler 20.03 64bit",
        "CoreOS 1068.10.0",
        "CoreOS 1010.5.0",
        "CoreOS 1298.6.0",
        "Other Linux(64 bit)",
    )
)

_BY_LETTERS: Final = {"".join(text.lower().split()): text for text in CATALOGUE}


def known(text: str) -> str | None:
    """Return the catalogue's own spelling of a text; None where it has no such system.

    Blanks and capitals do not count.
    """
    return _BY_LETTERS.get("".join(text.lower().split()))
