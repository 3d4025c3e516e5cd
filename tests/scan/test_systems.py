"""An operating system is named only where a text leaves no choice."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from batch_register.scan.catalogue import CATALOGUE, known
from batch_register.scan.systems import Family, contradicts, recognised


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ubuntu-22.04-server", "Ubuntu 22.04 server 64bit"),
        ("ubuntu2204", "Ubuntu 22.04 server 64bit"),
        ("web_ubuntu_20.04_x64", "Ubuntu 20.04 server 64bit"),
        ("Ubuntu 22.04.3 LTS", "Ubuntu 22.04 server 64bit"),
        ("ubuntu-16.04.3", "Ubuntu 16.04.3 Server 64bit"),
        ("ubuntu-14.04-i386", "Ubuntu 14.04 server 32bit"),
        ("centos-7.6-base", "CentOS 7.6 64bit"),
        ("CentOS Linux 7.6.1810 (Core)", "CentOS 7.6 64bit"),
        ("rhel7.5", "Redhat Linux Enterprise 7.5 64bit"),
        ("rhel-7.6", "Redhat 7.6 64bit"),
        (
            "Red Hat Enterprise Linux Server 7.4 (Maipo)",
            "Redhat Linux Enterprise 7.4 64bit",
        ),
        ("Oracle Linux Server 7.6", "Oracle Linux Server release 7.6 64bit"),
        ("sles12sp5", "SUSE Linux Enterprise Server 12 SP5 64bit"),
        (
            "SUSE Linux Enterprise Server 15 SP1",
            "SUSE Linux Enterprise Server 15 SP1 64bit",
        ),
        ("opensuse-leap-15.1", "openSUSE 15.1 64bit"),
        ("debian-9.3.0-amd64", "Debian GNU/Linux 9.3.0 64bit"),
        ("fedora-30", "Fedora 30 64bit"),
        ("euleros-2.9", "EulerOS 2.9 64bit"),
        ("openEuler 20.03 LTS", "openEuler 20.03 64bit"),
        ("Microsoft Windows 10 (64-bit)", "Windows 10 64bit"),
        ("win10", "Windows 10 64bit"),
        ("ubuntu-20-04", "Ubuntu 20.04 server 64bit"),
        ("ubuntu-20-04-64bit", "Ubuntu 20.04 server 64bit"),
        ("centos-7.6-10-12-2023", "CentOS 7.6 64bit"),
        ("windows-2008-r2-x64-std", "Windows Server 2008 R2 Standard 64bit"),
        ("Windows 7 Professional 32-bit", "Windows 7 Professional 32bit"),
        (
            "Windows Server 2016 Standard, 64-bit (Build 14393.6529)",
            "Windows Server 2016 Standard 64bit",
        ),
        ("win2012r2-datacenter", "Windows Server 2012 R2 Datacenter 64bit"),
        (
            "windows server 2012 r2 essentials",
            "Windows Server 2012 Essentials R2 64bit",
        ),
        ("windows 2008 r2 enterprise", "Windows Server 2008 R2 Enterprise 64bit"),
    ],
)
def test_a_text_without_a_choice_names_the_system(text: str, expected: str) -> None:
    assert recognised(text).os_version == expected
    assert expected in CATALOGUE


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("web-01", Family.UNKNOWN),
        ("darwin-20", Family.UNKNOWN),
        ("protocol 7.6", Family.UNKNOWN),
        ("solaris-11.4", Family.UNKNOWN),
        ("Ubuntu Linux (64-bit)", Family.LINUX),
        ("ubuntu-21.10", Family.LINUX),  # the catalogue has none
        ("ubuntu-22.04-arm64", Family.LINUX),
        ("ubuntu-18.04-armv8", Family.LINUX),
        ("debian-10.0.0-ppc64", Family.LINUX),
        ("ubuntu-22.04-desktop", Family.LINUX),
        ("ubuntu-18-04-2023", Family.LINUX),  # a date
        ("ubuntu-2004-12-01", Family.LINUX),
        ("fedora-28gb", Family.LINUX),
        ("fedora-30-days", Family.LINUX),
        ("windows-10-12-2023", Family.WINDOWS),
        ("windows-10g-data", Family.WINDOWS),
        ("windows-2016-sql-2016-standard", Family.WINDOWS),  # SQL Server's edition
        ("windows-2008r2-web-server", Family.WINDOWS),  # what it does
        ("windows 2012 datacenter r2", Family.WINDOWS),
        ("ubuntu-20.04-to-22.04", Family.LINUX),
        ("CentOS 7 (64-bit)", Family.LINUX),
        ("centos-7-64bit", Family.LINUX),
        ("centos-7.9", Family.LINUX),
        ("CentOS 4/5/6/7 (64-bit)", Family.LINUX),
        ("Red Hat Enterprise Linux 8 (64-bit)", Family.LINUX),
        ("SUSE Linux Enterprise 15 (64-bit)", Family.LINUX),
        ("debian 10", Family.LINUX),
        ("Other 4.x or later Linux (64-bit)", Family.LINUX),
        ("centos-7.6-i386", Family.LINUX),  # catalogued for 64 bits only
        ("Microsoft Windows Server 2016 or later (64-bit)", Family.WINDOWS),
        ("windows server 2016 standard or datacenter", Family.WINDOWS),
        ("Microsoft Windows Server 2019 (64-bit)", Family.WINDOWS),
        ("windows-11", Family.WINDOWS),
        ("windows 7", Family.WINDOWS),
        ("windows-10-and-ubuntu-22.04", Family.UNKNOWN),
    ],
)
def test_a_text_that_leaves_a_choice_names_no_system(text: str, family: Family) -> None:
    found = recognised(text)
    assert (found.family, found.os_version) == (family, None)


@pytest.mark.parametrize("text", sorted(CATALOGUE))
def test_a_text_of_the_catalogue_is_never_taken_for_another(text: str) -> None:
    assert recognised(text).os_version in (text, None)
    assert known(text.upper().replace(" ", "  ")) == text


@pytest.mark.parametrize(
    ("text", "os_version", "expected"),
    [
        ("win2019", "Ubuntu 22.04 server 64bit", True),
        ("Red Hat Enterprise Linux 7 (64-bit)", "CentOS 7.6 64bit", True),
        ("CentOS 7 (64-bit)", "CentOS 7.6 64bit", False),
        ("rhel 7", "Redhat 7.6 64bit", False),
        ("web-01", "CentOS 7.6 64bit", False),
        ("Other Linux (64-bit)", "CentOS 7.6 64bit", False),
    ],
)
def test_another_system_than_the_text_tells_is_noticed(
    text: str, os_version: str, expected: bool
) -> None:
    assert contradicts(recognised(text), os_version) is expected


@settings(deadline=None)
@given(st.text(max_size=200))
def test_only_texts_of_the_catalogue_come_out(text: str) -> None:
    found = recognised(text).os_version
    assert found is None or found in CATALOGUE
