"""Reports on disk: form by suffix, whole or not at all."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from batch_register.errors import SettingsError
from batch_register.report import (
    csv_form,
    joblog_form,
    json_form,
    junit_form,
    markdown_form,
)
from batch_register.report.fold import fold, source_of
from batch_register.report.write import SUFFIXES, form_for, write_report, write_text
from batch_register.settings.values import REPORT_SUFFIXES


@pytest.mark.parametrize(
    ("name", "render"),
    [
        ("r.json", json_form.render),
        ("r.csv", csv_form.render),
        ("R.MD", markdown_form.render),
        ("r.xml", junit_form.render),
        ("r.joblog", joblog_form.render),
    ],
)
async def test_the_suffix_decides_the_form(
    name: str, render, all_states, tmp_path: Path
) -> None:
    report = fold([source_of("a", all_states.replay())])
    await write_report(report, tmp_path / name)
    assert (tmp_path / name).read_bytes().decode() == render(report)


@pytest.mark.parametrize("name", ["r.txt", "r"])
def test_an_unknown_suffix_is_refused_with_those_that_exist(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        form_for(Path(name))
    assert caught.value.hint == "use one of .csv, .html, .joblog, .json, .md, .xml"


def test_run_offers_every_suffix_that_has_a_form() -> None:
    assert set(REPORT_SUFFIXES) == set(SUFFIXES)


async def test_a_file_is_replaced_through_its_link_and_nothing_else_stays(
    tmp_path: Path,
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "real.md").write_text("old")
    link = tmp_path / "link.md"
    link.symlink_to(kept / "real.md")
    await write_text(["new\r\n"], link)
    assert (kept / "real.md").read_bytes() == b"new\r\n"
    assert link.is_symlink()
    assert list(kept.iterdir()) == [kept / "real.md"]


async def test_a_failed_write_leaves_the_old_report(tmp_path: Path) -> None:
    """A text that no file can hold stands for a disk that gives up half way."""
    path = tmp_path / "r.md"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        await write_text(["\ud800"], path)
    left = await asyncio.to_thread(
        lambda: [one.read_text() for one in tmp_path.iterdir()]
    )
    assert left == ["old"]


@pytest.mark.parametrize("place", [".", "missing/r.md"])
async def test_what_cannot_be_written_is_named(place: str, tmp_path: Path) -> None:
    path = tmp_path / place
    with pytest.raises(SettingsError, match="cannot be written") as caught:
        await write_text(["x"], path)
    assert caught.value.message.startswith(f"{path}: ")


async def test_a_link_that_leads_to_itself_is_named(tmp_path: Path) -> None:
    link = tmp_path / "r.md"
    link.symlink_to(link)
    with pytest.raises(SettingsError, match=r"r\.md: cannot be written: Too many"):
        await write_text(["x"], link)
    assert link.is_symlink()


@pytest.mark.parametrize("umask", [0o077, 0o000])
async def test_who_may_read_a_file_can_be_said_whatever_the_umask(
    umask: int, tmp_path: Path
) -> None:
    before = os.umask(umask)
    try:
        await write_text(["x"], tmp_path / "m.prom", mode_bits=0o644)
        await write_text(["x"], tmp_path / "r.md")
    finally:
        os.umask(before)
    assert (tmp_path / "m.prom").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "r.md").stat().st_mode & 0o777 == 0o666 & ~umask


async def test_a_pipe_is_written_into_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        reading = group.create_task(asyncio.to_thread(pipe.read_text))
        await write_text(["through"], pipe)
    assert (reading.result(), pipe.is_fifo()) == ("through", True)
