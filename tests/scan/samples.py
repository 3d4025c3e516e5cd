"""Tables in the column layout of RVTools' exports, and small makers of drafts."""

from __future__ import annotations

from batch_register.ims.profile import OTC, Profile
from batch_register.scan.fitting import Wishes
from batch_register.source import DiskFormat, Inspection, ListedObject, SourcePin

GIB = 2**30

UBUNTU_DETAIL = (
    "architecture='X86' bitness='64' distroName='Ubuntu' distroVersion='22.04' "
    "familyName='Linux' kernelVersion='5.15.0-91-generic' "
    "prettyName='Ubuntu 22.04.3 LTS'"
)
# Sheet vInfo of RVTools 4.x, some of its columns in their order.
V_INFO = f"""\
VM,Powerstate,Template,SRM Placeholder,DNS Name,CPUs,Memory,Disks,Total disk capacity MiB,\
Provisioned MiB,In Use MiB,Firmware,Path,Annotation,Host,\
OS according to the configuration file,OS according to the VMware Tools,Guest Detailed Data
web-01,poweredOn,False,False,web-01.example.org,2,"4,096",1,"40,960","45,056",20480,bios,\
[ds1] web-01/web-01.vmx,"password: hunter22",esx-01,Ubuntu Linux (64-bit),\
Ubuntu Linux (64-bit),"{UBUNTU_DETAIL}"
db-01,poweredOff,False,False,,8,32768,2,614400,647168,512000,efi,[ds1] db-01/db-01.vmx,,\
esx-01,Red Hat Enterprise Linux 7 (64-bit),,
ad-01,poweredOn,False,False,,4,8192,1,81920,90112,40960,efi,[ds1] ad-01/ad-01.vmx,,esx-02,\
Microsoft Windows Server 2019 (64-bit),,
tpl-01,poweredOff,True,False,,1,2048,1,16384,18432,4096,bios,[ds1] tpl/tpl.vmx,,esx-02,\
CentOS 7 (64-bit),CentOS 7 (64-bit),
shadow-01,poweredOff,False,True,,1,2048,1,16384,18432,4096,bios,[ds1] s/s.vmx,,esx-02,\
CentOS 7 (64-bit),,
vCLS-996323af-736c-4d6e-8d16-5d615133f1f3,poweredOn,False,False,,1,128,1,2048,2176,100,\
efi,[ds1] v/v.vmx,,esx-02,VMware Photon OS (64-bit),,
"""
# Sheet vDisk of RVTools 4.x, likewise; the disks are not in their order.
V_DISK = """\
VM,Powerstate,Template,SRM Placeholder,Disk,Disk Key,Disk Path,Capacity MiB,Raw,Thin
web-01,poweredOn,False,False,Hard disk 1,2000,[ds1] web-01/web-01.vmdk,40960,False,True
db-01,poweredOff,False,False,Hard disk 10,2009,[ds1] db-01/db-01_9.vmdk,51200,False,True
db-01,poweredOff,False,False,Hard disk 2,2001,[ds1] db-01/db-01_1.vmdk,512000,False,True
db-01,poweredOff,False,False,Hard disk 1,2000,[ds1] db-01/db-01.vmdk,102400,False,True
gone-01,poweredOff,False,False,Hard disk 1,2000,[ds1] gone/gone.vmdk,102400,False,True
"""
# Sheet vInfo of RVTools 3.x: sizes in MB, which are MiB.
V_INFO_3 = """\
VM,Powerstate,Template,CPUs,Memory,Disks,Provisioned MB,In Use MB,\
OS according to the configuration file
old-01,poweredOn,False,2,4096,1,45056,20480,CentOS 4/5/6 (64-bit)
"""


def wishes(
    profile: Profile = OTC, bucket: str | None = "b-1", os_version: str | None = None
) -> Wishes:
    return Wishes(profile=profile, bucket=bucket, os_version=os_version)


def listed(
    key: str, *, size_bytes: int = 512 * 1024, storage_class: str = "STANDARD"
) -> ListedObject:
    pin = SourcePin(etag="e", size_bytes=size_bytes)
    return ListedObject(key=key, pin=pin, storage_class=storage_class)


def inspected(
    disk_format: DiskFormat | None = DiskFormat.QCOW2,
    *,
    virtual_size_bytes: int | None = 12 * GIB,
    problem: str = "",
) -> Inspection:
    return Inspection(
        disk_format=disk_format,
        virtual_size_bytes=virtual_size_bytes,
        problem=problem,
    )
