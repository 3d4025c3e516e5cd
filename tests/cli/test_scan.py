"""`scan` on tables: what is written where, and what is refused before that."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scan.samples import V_DISK, V_INFO


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path]:
    info, disk = tmp_path / "vInfo.csv", tmp_path / "vDisk.csv"
    info.write_text(V_INFO, encoding="utf-8-sig")
    disk.write_text(V_DISK, encoding="utf-16")
    return info, disk


@pytest.fixture(autouse=True)
def no_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OS_CLOUD", raising=False)


def flags(tables: tuple[Path, Path]) -> list[object]:
    return ["--csv", tables[0], "--csv", tables[1], "--bucket", "b-1"]


def test_what_is_written_validates_and_the_counts_are_told(
    invoke, tables, tmp_path
) -> None:
    file = tmp_path / "wave.yaml"
    ended = invoke("scan", *flags(tables), "--object", "d/{vm}.vmdk", "-o", file)
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == (
        f'{file}: 3 images, 3 lines marked "TODO check", 1 held back, 3 left out\n'
    )
    assert invoke("validate", file).out == "OK: 3 images\n"
    assert list(tmp_path.glob(".*")) == []


def test_without_a_file_the_manifest_goes_to_standard_output(invoke, tables) -> None:
    ended = invoke("scan", *flags(tables), "--name", "wave-07")
    assert ended.code == 0
    assert "\nname: wave-07\n" in ended.out
    assert "images:\n  - name: web-01\n" in ended.out


def test_the_name_is_the_files_and_that_of_a_table_is_marked(
    invoke, tables, tmp_path
) -> None:
    """Every export is called vInfo, and a manifest's name identifies its batch."""
    file = tmp_path / "wave-07.yaml"
    assert invoke("scan", *flags(tables), "-o", file).code == 0
    text = file.read_text(encoding="utf-8")
    assert "\nname: wave-07\n" in text
    assert "no other manifest may have it" not in text
    shown = invoke("scan", *flags(tables)).out
    assert "\nname: vInfo\n" in shown
    assert "# TODO check: the manifest has the table's name" in shown


def test_letters_of_a_guessed_encoding_are_to_be_checked(invoke, tmp_path) -> None:
    table = tmp_path / "t.csv"
    table.write_bytes("VM\nb\u00fcro\n".encode("cp1252"))
    shown = invoke("scan", "--csv", table, "--bucket", "b-1").out
    assert "# TODO check: t.csv is no UTF-8 and was read in Windows' Western" in shown


@pytest.mark.parametrize(
    ("told", "is_marked"), [("ubuntu 22.04 SERVER 64bit", False), ("Ubuntu 22", True)]
)
def test_a_system_that_the_catalogue_lacks_is_to_be_checked(
    invoke, tables, told, is_marked
) -> None:
    shown = invoke("scan", *flags(tables), "--os-version", told).out
    assert ("is no os_version of the documented catalogue" in shown) is is_marked


def test_a_name_for_several_machines_makes_no_manifest_that_is_refused(
    invoke, tmp_path
) -> None:
    table = tmp_path / "t.csv"
    table.write_text("VM,OS\na,Debian 9.3.0\nb,x\na,x\n", encoding="utf-8")
    ended = invoke(
        *("scan", "--csv", table, "--bucket", "b-1", "--object", "{vm}.raw"),
        *("--source", "d/{vm}.raw"),
    )
    assert ended.code == 0
    assert "# Held back (2)" in ended.out
    assert "its file is that of 2 machines" in ended.out


def test_which_columns_were_read_is_told(invoke, tmp_path) -> None:
    table = tmp_path / "team.csv"
    table.write_text("Owner,RAM (GB),Server Name\nme,4,x\n", encoding="utf-8")
    first = invoke("scan", "--csv", table, "--bucket", "b-1").out.splitlines()[0]
    assert first.endswith('from team.csv, columns "RAM (GB)", "Server Name".')


def test_no_cell_of_another_column_is_copied(invoke, tables) -> None:
    ended = invoke("scan", *flags(tables))
    assert "hunter22" not in ended.out + ended.err
    assert "web-01.example.org" not in ended.out


def test_a_file_that_is_there_is_replaced_only_by_force(
    invoke, tables, tmp_path
) -> None:
    file = tmp_path / "wave.yaml"
    file.write_text("mine", encoding="utf-8")
    ended = invoke("scan", *flags(tables), "-o", file)
    assert (ended.code, file.read_text(encoding="utf-8")) == (2, "mine")
    assert "is there already" in ended.err
    assert invoke("scan", *flags(tables), "-o", file, "--force").code == 0
    assert file.read_text(encoding="utf-8").startswith("# Written by")


def test_a_link_is_followed_and_stays(invoke, tables, tmp_path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "link.yaml"
    real.write_text("mine", encoding="utf-8")
    link.symlink_to(real)
    assert invoke("scan", *flags(tables), "-o", link, "--force").code == 0
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8").startswith("# Written by")


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_link_to_nothing_is_not_followed(invoke, tables, tmp_path, force) -> None:
    """Whoever laid it would choose where the file is made."""
    link = tmp_path / "link.yaml"
    link.symlink_to(tmp_path / "elsewhere.yaml")
    assert invoke("scan", *flags(tables), "-o", link, *force).code == 2
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_a_ledger_is_never_replaced(invoke, tables, tmp_path) -> None:
    ledger = tmp_path / "w.ledger.jsonl"
    ledger.write_text('{"v":1,"seq":1,"event":"ledger.opened"}\n', encoding="utf-8")
    ended = invoke("scan", *flags(tables), "-o", ledger, "--force")
    assert (ended.code, "is a ledger" in ended.err) == (2, True)


def test_the_table_itself_is_never_replaced(invoke, tables) -> None:
    before = tables[0].read_bytes()
    ended = invoke("scan", *flags(tables), "-o", tables[0], "--force")
    assert (ended.code, "is the table itself" in ended.err) == (2, True)
    assert tables[0].read_bytes() == before


def test_a_folder_is_never_replaced(invoke, tables, tmp_path) -> None:
    ended = invoke("scan", *flags(tables), "-o", tmp_path, "--force")
    assert (ended.code, "is no file" in ended.err) == (2, True)


def test_a_folder_that_is_not_there_is_told(invoke, tables, tmp_path) -> None:
    ended = invoke("scan", *flags(tables), "-o", tmp_path / "no" / "w.yaml")
    assert ended.code == 2
    assert "cannot be written" in ended.err


def test_local_files_are_named_as_sources(invoke, tables, tmp_path) -> None:
    file = tmp_path / "wave.yaml"
    ended = invoke(
        *("scan", *flags(tables), "-o", file, "--object", "d/{vm}.vmdk"),
        *("--source", "./disks/{vm}.vmdk"),
    )
    assert ended.code == 0
    assert '    source: "./disks/web-01.vmdk"\n' in file.read_text(encoding="utf-8")
    checked = invoke("validate", file).out  # and none of the files is there
    assert checked.startswith("OK: 3 images\nnote: a run from this machine could not")
    assert f": source: {tmp_path}/disks/web-01.vmdk is not there" in checked


def test_a_cloud_tells_the_least_disk(invoke, tables, tmp_path) -> None:
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(
        "clouds: {my: {auth: {auth_url: 'https://iam.eu-de.otc.t-systems.com/v3', "
        "username: u, password: p, user_domain_name: d, project_name: eu-de}, "
        "region_name: eu-de}}",
        encoding="utf-8",
    )
    environ = {"OS_CLIENT_CONFIG_FILE": str(clouds)}
    ended = invoke("scan", *flags(tables), "--cloud", "my", **environ)
    assert ended.code == 0
    assert "min_disk: 16  # the only disk has 16 GiB" in ended.out
    assert "no cloud was named" not in ended.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name either a bucket"),
        (["obs://b-1/", "--csv", "x.csv"], "name either a bucket"),
        (["obs://b-1/", "--bucket", "b-1"], "--bucket: for tables only"),
        (["--csv", "x.csv", "--bucket", "NO"], "--bucket 'NO': must be a bucket name"),
        (["--csv", "x.csv", "--name", "a b"], "--name 'a b': must be 1 to 43"),
        (["--csv", "x.csv", "--os-version", " x"], "--os-version ' x': must be"),
        (["--csv", "x.csv", "--object", "x.raw"], "--object x.raw: must hold"),
        (["--csv", "x.csv", "--map", "x"], "--map x: must be FIELD=COLUMN"),
        (["--csv", "no-such-file.csv"], "no-such-file.csv: cannot be read"),
        (["http://b-1/x"], "http://b-1/x: must be obs://BUCKET"),
        (["obs:///x"], "obs:///x: bucket must be a bucket name"),
    ],
)
def test_flags_that_make_no_sense_are_refused(invoke, arguments, said) -> None:
    ended = invoke("scan", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_a_cloud_without_buckets_is_refused(invoke, tables, tmp_path) -> None:
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(
        "clouds: {my: {auth: {auth_url: 'https://keystone.example.com/v3', username: u, "
        "password: p, user_domain_name: d, project_name: x}, ims_profile: openstack}}",
        encoding="utf-8",
    )
    environ = {"OS_CLIENT_CONFIG_FILE": str(clouds)}
    ended = invoke("scan", *flags(tables), "--cloud", "my", **environ)
    assert (ended.code, ended.out) == (2, "")
    assert "the openstack profile has no buckets" in ended.err


def test_a_chosen_column_must_be_somewhere(invoke, tables) -> None:
    ended = invoke("scan", *flags(tables), "--map", "name=Server")
    assert ended.code == 65
    assert 'no column "Server", which --map name=Server names' in ended.err


def test_a_chosen_column_of_one_table_leaves_the_other_alone(invoke, tables) -> None:
    ended = invoke("scan", *flags(tables), "--map", "capacity=Capacity MiB")
    assert ended.code == 0
    assert "min_disk: 40  # Hard disk 1 has 40 GiB" in ended.out


def test_wrong_cells_end_with_65_and_all_their_places(invoke, tmp_path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("VM,Memory\na,x\nb,y\n", encoding="utf-8")
    ended = invoke("scan", "--csv", table, "--bucket", "b-1")
    assert ended.code == 65
    assert f'{table}: line 2, column "Memory": must be a number' in ended.err
    assert f'{table}: line 3, column "Memory": must be a number' in ended.err
    assert "hint: mend the table" in ended.err


def test_a_table_without_anything_to_register_makes_no_file(invoke, tmp_path) -> None:
    table, file = tmp_path / "t.csv", tmp_path / "w.yaml"
    table.write_text("VM,OS\na,Windows Server 2019\n", encoding="utf-8")
    ended = invoke("scan", "--csv", table, "--bucket", "b-1", "-o", file)
    assert (ended.code, file.exists()) == (2, False)
    assert "holds no image to register" in ended.err
    assert "Windows by " in ended.err
    assert "--os-version" in ended.err


def test_a_table_without_a_bucket_says_so(invoke, tables) -> None:
    ended = invoke("scan", "--csv", tables[0])
    assert ended.code == 2
    assert "bucket must be" in ended.err
    assert "--bucket" in ended.err
