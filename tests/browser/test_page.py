"""The page in a real browser: quiet, self-contained, readable for everybody."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from batch_register.cli import GROUP
from batch_register.event import ImageFailed
from batch_register.model import Action, Fault, FaultKind
from tests.browser.visit import Visitor
from tests.report.conftest import LedgerText
from tests.report.html.test_page import HOSTILE

pytestmark = pytest.mark.browser
_SERIOUS = {"serious", "critical"}


def page_of(ledger: Path, folder: Path) -> Path:
    page = folder / "night.html"
    done = CliRunner().invoke(GROUP, ["report", str(ledger), "-o", str(page)])
    assert done.exit_code == 0, done.output
    return page


@pytest.mark.parametrize(
    ("images", "width", "scheme"),
    [
        (30, 1280, "light"),
        (30, 1280, "dark"),
        (30, 320, "light"),
        (30, 360, "light"),
        (30, 360, "dark"),
        (10_000, 1280, "light"),
        (10_000, 360, "dark"),
    ],
)
def test_a_page_is_quiet_fetches_nothing_fits_and_is_accessible(
    images: int, width: int, scheme: str, visitor: Visitor, nights, tmp_path: Path
) -> None:
    page = page_of(nights[images], tmp_path)
    seen = visitor.visit(page, width=width, scheme=scheme)
    assert seen.messages == []
    assert [url for url in seen.requests if not url.startswith("data:")] == [
        page.as_uri()
    ]
    assert seen.width == width
    assert [one for one in seen.faults if one["impact"] in _SERIOUS] == []


@pytest.mark.parametrize("width", [1200, 1600])
def test_all_columns_are_in_sight_on_a_desktop(
    width: int, visitor: Visitor, nights, tmp_path: Path
) -> None:
    page = page_of(nights[30], tmp_path)
    assert visitor.visit(page, width=width, scheme="light").scrolled == []


@pytest.mark.parametrize("width", [360, 1280])
def test_hostile_names_neither_run_nor_break_the_page(
    width: int, visitor: Visitor, tmp_path: Path
) -> None:
    ledger = LedgerText()
    ledger.start("run-1")
    for text in HOSTILE:
        error = Fault(
            kind=FaultKind.JOB_FAILED,
            code=text,
            reason=text * 9,
            action=Action.CONTACT_PROVIDER,
            request_id=text,
        )
        ledger.declare(text, name=text, source=text, labels=((text, text),))
        ledger.register(text, text, text)
        ledger.happen(text, ImageFailed(error=error, stage="job"))
    (tmp_path / "hostile.jsonl").write_bytes(ledger.raw)
    page = page_of(tmp_path / "hostile.jsonl", tmp_path)
    seen = visitor.visit(page, width=width, scheme="light")
    assert (seen.messages, seen.width) == ([], width)
    assert [one for one in seen.faults if one["impact"] in _SERIOUS] == []


def test_a_page_without_its_title_is_found_wanting(
    visitor: Visitor, nights, tmp_path: Path
) -> None:
    """The examination can fail, and the policy holds back what a page would run."""
    page = page_of(nights[30], tmp_path)
    text = (
        page.read_text()
        .replace("<title>", "<meta name=x content='")
        .replace("</title>", "'><script>console.log(1)</script>", 1)
    )
    page.write_text(text.replace('lang="en"', ""))
    seen = visitor.visit(page, width=1280, scheme="light")
    assert {"document-title", "html-has-lang"} <= {one["id"] for one in seen.faults}
    assert any("Content Security Policy" in message for message in seen.messages)


def test_a_page_prints(visitor: Visitor, nights, tmp_path: Path) -> None:
    printed = visitor.print(page_of(nights[30], tmp_path))
    assert printed.startswith(b"%PDF-")
    assert 3 <= printed.count(b"/Type /Page\n") <= 12
