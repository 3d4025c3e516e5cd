"""What machines of a table come to: values that are told, marks where they are not."""

from __future__ import annotations

import pytest

from batch_register.errors import SettingsError
from batch_register.ims.profile import HUAWEI, OTC
from batch_register.scan.cells import TableError, read_table
from batch_register.scan.columns import columns_of
from batch_register.scan.draft import DraftImage, LeftOut
from batch_register.scan.fitting import Wishes
from batch_register.scan.from_table import Places, checked_pattern, images_of
from batch_register.scan.machines import Inventory, inventory
from tests.scan.samples import V_DISK, V_INFO, V_INFO_3, wishes


def found(*texts: str) -> Inventory:
    tables = [read_table(text.encode(), f"{n}.csv") for n, text in enumerate(texts)]
    return inventory([(table, columns_of(table, {})) for table in tables])


def drafted(
    *texts: str, places: Places | None = None, on: Wishes | None = None
) -> dict[str, DraftImage]:
    places = places or Places(object="disks/{vm}.vmdk")
    images = images_of(found(*texts).machines, places, on or wishes())
    return {str(image.value_of("name")): image for image in images}


def sure_of(image: DraftImage, field: str) -> bool:
    return next(line.is_sure for line in image.lines if line.field == field)


def test_rvtools_tables_give_one_image_for_each_machine() -> None:
    images = drafted(V_INFO, V_DISK)
    web = images["web-01"]
    assert {line.field: line.value for line in web.lines} == {
        "name": "web-01",
        "object": "disks/web-01.vmdk",
        "os_version": "Ubuntu 22.04 server 64bit",
        "min_disk": 40,
        "min_ram": 4096,
    }
    assert all(line.is_sure for line in web.lines)
    assert not web.held_back
    assert list(images) == ["web-01", "db-01", "ad-01", "tpl-01"]


def test_the_system_disk_is_the_first_one_and_the_others_are_named() -> None:
    image = drafted(V_INFO, V_DISK)["db-01"]
    assert image.value_of("min_disk") == 100
    assert "Hard disk 2 (500 GiB), Hard disk 10 (50 GiB)" in image.about
    assert "poweredOff; boots by UEFI" in image.about


def test_without_the_table_of_disks_several_disks_are_marked() -> None:
    image = drafted(V_INFO)["db-01"]
    assert image.value_of("min_disk") == 600
    assert not sure_of(image, "min_disk")
    assert sure_of(drafted(V_INFO)["web-01"], "min_disk")


def test_windows_of_an_unknown_edition_is_held_back() -> None:
    image = drafted(V_INFO)["ad-01"]
    assert "no one text of the catalogue" in image.held_back
    assert image.value_of("os_version") is None


def test_a_system_that_leaves_a_choice_is_neutral_and_marked() -> None:
    image = drafted(V_INFO)["tpl-01"]
    assert image.value_of("os_version") == "Other Linux(64 bit)"
    assert not sure_of(image, "os_version")
    assert image.about == "a template; poweredOff"


def test_a_given_system_holds_for_what_tells_none_and_contradicts_nothing() -> None:
    images = drafted(V_INFO, on=wishes(os_version="CentOS 7.6 64bit"))
    assert images["tpl-01"].value_of("os_version") is None
    assert not images["tpl-01"].held_back
    assert images["web-01"].value_of("os_version") == "Ubuntu 22.04 server 64bit"
    assert "Red Hat by " in images["db-01"].held_back
    assert "Windows by " in images["ad-01"].held_back


def test_what_is_no_machine_to_move_is_left_out() -> None:
    assert {each.what for each in found(V_INFO, V_DISK).left_out} == {
        "shadow-01",
        "vCLS-996323af-736c-4d6e-8d16-5d615133f1f3",
        "gone-01",
    }


def test_the_table_of_disks_alone_tells_the_machines() -> None:
    images = drafted(V_DISK)
    assert [images[name].value_of("min_disk") for name in images] == [40, 100, 100]


def test_older_tables_count_mib_under_the_title_mb() -> None:
    image = drafted(V_INFO_3)["old-01"]
    assert (image.value_of("min_disk"), image.value_of("min_ram")) == (44, 4096)
    assert not sure_of(image, "min_disk")


def test_two_machines_of_one_name_get_numbers_and_no_disks() -> None:
    twins = "VM,Memory\nweb-01,1024\nWEB-01,1024\nweb-01,1024\n"
    inventory_ = found(twins, V_DISK)
    assert all(not machine.disks for machine in inventory_.machines)
    assert list(drafted(twins)) == ["web-01", "WEB-01", "web-01-2"]


def test_rows_of_one_name_are_marked_and_never_get_one_file() -> None:
    text = "VM,Disk GB\nweb,40\nweb,100\ndb,40\n"
    assumed = drafted(text, places=Places())
    assert [sure_of(image, "name") for image in assumed.values()] == [
        False,
        False,
        True,
    ]
    assert not any(image.held_back for image in assumed.values())
    told = drafted(text, places=Places(object="{vm}.raw"))
    assert [bool(image.held_back) for image in told.values()] == [True, True, False]
    assert "that of 2 machines" in told["web-2"].held_back


def test_the_usual_bucket_and_the_same_one_by_name_are_one() -> None:
    text = "VM,Bucket,Object\nx,,d/x.raw\ny,b-1,d/x.raw\nz,b-2,d/x.raw\n"
    images = drafted(text, on=wishes(bucket="b-1"))
    assert [bool(image.held_back) for image in images.values()] == [True, True, False]


def test_a_column_that_may_hold_something_else_is_marked() -> None:
    images = drafted("VM,Source,File\nx,vcenter-01,17\ny,/srv/y.RAW,d/y.vhd\n")
    for name, is_sure in (("x", False), ("y", True)):
        assert sure_of(images[name], "source") is is_sure
        assert sure_of(images[name], "object") is is_sure


def test_a_table_of_ones_own_is_read_by_its_titles() -> None:
    text = "Server;OS Version;RAM GB;Disk GB;Bucket;Object\nx;ubuntu 22.04 SERVER 64bit;8;40,5;b-2;k/x.raw\n"
    image = drafted(text)["x"]
    assert {line.field: line.value for line in image.lines} == {
        "name": "x",
        "bucket": "b-2",
        "object": "k/x.raw",
        "os_version": "Ubuntu 22.04 server 64bit",
        "min_disk": 41,
        "min_ram": 8192,
    }
    assert all(line.is_sure for line in image.lines)


def test_what_the_table_says_itself_goes_before_what_follows_from_it() -> None:
    text = "VM,min_disk,min_ram,Memory,Disk GB\nx,80,2048,4096,40\ny,,,4096,40\n"
    images = drafted(text)
    sizes = [
        (image.value_of("min_disk"), image.value_of("min_ram"))
        for image in images.values()
    ]
    assert sizes == [(80, 2048), (40, 4096)]


@pytest.mark.parametrize(
    ("text", "is_sure"),
    [
        ("VM,Disk size\nx,40\n", False),
        ("VM,Disk size\nx,40 GB\n", True),
        ("VM,Disk size GB\nx,40\n", True),
        ("VM,Disk,Capacity\nx,Hard disk 1,40\n", False),
        ("VM,Disk,Capacity GiB\nx,Hard disk 1,40\n", True),
    ],
)
def test_a_size_without_a_unit_is_taken_for_gb_and_marked(
    text: str, is_sure: bool
) -> None:
    image = drafted(text)["x"]
    assert image.value_of("min_disk") == 40
    assert sure_of(image, "min_disk") is is_sure


def test_a_system_beyond_the_catalogue_is_kept_and_marked() -> None:
    image = drafted("VM,os_version\nx,EulerOS 3.0 64bit\n")["x"]
    assert image.value_of("os_version") == "EulerOS 3.0 64bit"
    assert not sure_of(image, "os_version")


def test_columns_that_disagree_name_no_system() -> None:
    text = "VM,Guest OS,OS\nx,CentOS 7.6,CentOS 7.5\ny,CentOS 7.6,Windows 10\n"
    images = drafted(text)
    assert images["x"].value_of("os_version") == "Other Linux(64 bit)"
    assert images["y"].value_of("os_version") == "Other Linux(64 bit)"
    told = [line.remark for line in images["y"].lines if not line.is_sure]
    assert told[0] == 'no certain release by "CentOS 7.6" and "Windows 10"'


def test_a_system_that_is_not_known_is_named() -> None:
    image = drafted("VM,OS\nx,FreeBSD 12 (64-bit)\n")["x"]
    told = [line.remark for line in image.lines if not line.is_sure]
    assert told[0] == 'no certain release by "FreeBSD 12 (64-bit)"'


def test_memory_that_was_meant_in_gb_is_told_and_not_taken() -> None:
    image = drafted("VM,Memory\nx,16\n")["x"]
    assert image.value_of("min_ram") is None
    assert "memory 16 is too little for MB" in image.about


def test_an_assumed_object_is_marked() -> None:
    image = drafted("VM\nx\n", places=Places())["x"]
    assert image.value_of("object") == "x.qcow2"
    assert not sure_of(image, "object")


def test_a_disk_that_nothing_tells_is_left_to_the_files_header() -> None:
    image = drafted("VM\nx\n", on=wishes(HUAWEI))["x"]
    assert image.value_of("min_disk") == "auto"
    assert not image.held_back


@pytest.mark.parametrize("text", ["n/a", "-", "TBD", "unknown"])
def test_a_word_for_nothing_is_nothing(text: str) -> None:
    image = drafted(f"VM,Capacity GB,Memory\nx,{text},{text}\n")["x"]
    assert image.value_of("min_disk") == "auto"


def test_a_size_of_nothing_tells_nothing() -> None:
    image = drafted("VM,Capacity MiB,Memory\nx,0,0\n")["x"]
    assert image.value_of("min_disk") == "auto"
    assert image.value_of("min_ram") is None
    assert image.about == ""
    asked = drafted("VM,Memory,min_ram\nx,4096,0\n")["x"]
    assert asked.value_of("min_ram") == 0  # no memory is asked for


def test_a_local_file_is_named_where_it_is_told() -> None:
    images = drafted(
        "VM,Source\nx,\ny,/srv/y.raw\n",
        places=Places(object="{vm}.raw", source="./disks/{vm}.vmdk"),
    )
    assert images["x"].value_of("source") == "./disks/x.vmdk"
    assert images["y"].value_of("source") == "/srv/y.raw"


@pytest.mark.parametrize(
    ("text", "on", "reason"),
    [
        ("VM\nweb 01\n", wishes(), "has a blank"),
        ("VM,Object\nx,a:b\n", wishes(), "has a colon"),
        ("VM\nx\n", wishes(bucket=None), "bucket must be"),
        ("VM,Source\nx,https://u:p@h/x\n", wishes(), "source must be a file's path"),
        ("VM,Bucket\nx,NO\n", wishes(), "bucket must be"),
        ("VM,Disk GB\nx,2000\n", wishes(), "min_disk 2000"),
        (f"VM,Source\nx,{'d' * 5000}\n", wishes(), "source must be a file's path"),
        (f"VM,os_version\nx,{'d' * 256}\n", wishes(), "os_version must be"),
        ("VM,os_version\nx,a\u200bb\n", wishes(), "os_version must be"),
        ("VM,min_ram\nx,9999999999\n", wishes(), "min_ram must be"),
        ("VM,Memory TB\nx,9999999\n", wishes(), "min_ram must be"),
        ("VM,OS\nx,Windows 10\n", wishes(HUAWEI), "takes no Windows"),
        ("VM,Object\nx,x.iso\n", wishes(OTC), "does not register ISO"),
    ],
)
def test_what_would_be_refused_is_held_back_with_the_reason(
    text: str, on: Wishes, reason: str
) -> None:
    (image,) = drafted(text, on=on).values()
    assert reason in image.held_back


@pytest.mark.parametrize("name", ["../../etc/shadow", "..", r"a\b", "a/b"])
def test_a_name_never_leads_to_a_file_elsewhere(name: str) -> None:
    places = Places(object="x/{name}.raw", source="./disks/{vm}")
    (image,) = drafted(f'VM\n"{name}"\n', places=places).values()
    assert "another folder" in image.held_back


def test_a_pattern_is_filled_once() -> None:
    places = Places(object="d/{name}.raw", source="./d/{vm}.raw")
    image = next(iter(drafted('VM\n"{name}"\n', places=places).values()))
    assert image.value_of("source") == "./d/{name}.raw"
    assert image.value_of("object") == "d/name.raw"


@pytest.mark.parametrize("pattern", ["disks/x.raw", "{vm}-{disk}.raw", "{}"])
def test_a_pattern_without_a_place_for_the_name_is_refused(pattern: str) -> None:
    with pytest.raises(SettingsError, match="must hold"):
        checked_pattern("--object", pattern)


def test_every_wrong_cell_is_told_with_line_and_column() -> None:
    text = "VM,Memory,Disk GB\nx,many,1.234\n,7,8\n"
    with pytest.raises(TableError) as caught:
        found(text)
    assert caught.value.message.splitlines() == [
        '0.csv: line 2, column "Disk GB": can be read as 1234 and as 1.234: write it '
        "without the '.'",
        '0.csv: line 2, column "Memory": must be a number such as 102400, "102,400" '
        'or "100 GB"',
        '0.csv: line 3, column "VM": the name is missing',
    ]


def test_a_flood_of_wrong_cells_is_cut_short() -> None:
    with pytest.raises(TableError, match=r"and 480 more"):
        found("VM,Memory\n" + "x,many\n" * 500)


def test_a_cell_is_never_quoted_in_an_error() -> None:
    with pytest.raises(TableError) as caught:
        found("VM,Memory\nx,hunter22\n")
    assert "hunter22" not in str(caught.value)


def test_left_out_machines_keep_the_order_of_their_rows() -> None:
    assert found(V_INFO, V_DISK).left_out[-1] == LeftOut(
        what="gone-01", why="only the table of disks names it"
    )
