"""The manual page in roff, drawn from the commands themselves.

Decides: sections and their order, how text is set in roff. Must not know: where the
page goes. Source: groff_man(7), "Groff man macros to support generation of man pages".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

import click

from batch_register.cli import PROGRAM
from batch_register.cli.pages import Page, options_by_purpose
from batch_register.exit_codes import by_meaning

_FILES = {
    "MANIFEST.ledger.jsonl": (
        "The ledger, beside the manifest: one line per step, from which a run goes on "
        "and reports are made. A rehearsal's ends in .simulated.ledger.jsonl, and that of "
        "a shard has its place before that: MANIFEST.shard-0-of-4.ledger.jsonl."
    ),
    "clouds.yaml, secure.yaml, clouds-public.yaml": (
        "Clouds and credentials, as for any OpenStack client: in the working "
        "directory, ~/.config/openstack, /etc/xdg/openstack or /etc/openstack."
    ),
}
_ENVIRONMENT = {
    "OS_CLOUD": "The entry of clouds.yaml, where --cloud is not given.",
    "OS_CLIENT_CONFIG_FILE": "A clouds.yaml that stands elsewhere.",
    "OS_*": "Address and credentials of a cloud that no file describes.",
    "HUAWEICLOUD_SDK_*": "The same, by the official SDK's names.",
    "NO_COLOR": "If set, nothing is coloured.",
    "SOURCE_DATE_EPOCH": "The date of this page, in seconds since 1970, when it is made.",
}


def manual_page(
    root: click.Group, commands: Iterable[Page], *, version: str, date: datetime
) -> str:
    """Return the page for the program and all its commands."""
    pages = list(commands)
    parts = [
        f'.TH {PROGRAM.upper()} 1 {date:%Y-%m-%d} "{PROGRAM} {version}" "User Commands"',
        *_section(
            "NAME", [f"{PROGRAM} \\- register batches of virtual-machine images"]
        ),
        *_section("SYNOPSIS", _synopsis(pages)),
        *_section("DESCRIPTION", _paragraphs(root.help or "")),
        *_paragraphs(
            "A manifest names image files in object storage. For each of them the "
            "program creates image metadata, registers the file, and follows the job "
            "until the image is active. Each step is a line of the ledger, so that the "
            "same command goes on where it stopped."
        ),
        *_section("COMMANDS", [line for page in pages for line in _command(page)]),
        *_section("OPTIONS", _options(root, click.Context(root, info_name=PROGRAM))),
        *_section("EXIT STATUS", _paragraphs("Of the command run:")),
        *_tagged(by_meaning()),
        *_section("FILES", _tagged(_FILES)),
        *_section("ENVIRONMENT", _paragraphs(_variables(root))),
        *_tagged(_ENVIRONMENT),
        *_section("EXAMPLES", [line for page in pages for line in _examples(page)]),
    ]
    return "\n".join(parts) + "\n"


def _synopsis(pages: list[Page]) -> Iterator[str]:
    for number, page in enumerate(pages):
        if number:
            yield ".br"
        yield f".B {_roff(PROGRAM)} {_roff(page.name or '')}"
        yield _roff(" ".join(page.collect_usage_pieces(_context(page))))


def _command(page: Page) -> Iterator[str]:
    ctx = _context(page)
    usage = " ".join(page.collect_usage_pieces(ctx))
    yield f'.SS "{_roff(page.name or "")} {_roff(usage)}"'
    yield from _begun(_paragraphs(page.help or ""))
    yield from _options(page, ctx)
    yield from _paragraphs(page.epilog or "")


def _options(command: click.Command, ctx: click.Context) -> Iterator[str]:
    for options in options_by_purpose(command, ctx).values():
        records = (option.get_help_record(ctx) for option in options)
        yield from _tagged(dict(record for record in records if record))


def _examples(page: Page) -> Iterator[str]:
    for example in page.examples:
        yield from (".PP", ".nf", _roff(example), ".fi")


def _variables(root: click.Group) -> str:
    return f"{root.epilog or ''} An empty variable counts as not set."


def _context(page: Page) -> click.Context:
    parent = click.Context(click.Group(PROGRAM), info_name=PROGRAM)
    names = ["-h", "--help"]
    return click.Context(
        page, parent=parent, info_name=page.name, help_option_names=names
    )


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f'.SH "{title}"'
    yield from _begun(lines)


def _begun(lines: Iterable[str]) -> list[str]:
    """Return what follows a heading: its first paragraph has begun with it."""
    body = list(lines)
    return body[1:] if body[:1] == [".PP"] else body


def _paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a help text, each as one line."""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        if words := " ".join(paragraph.split()):
            yield from (".PP", _roff(words))


def _tagged(texts: dict[str, str]) -> Iterator[str]:
    for tag, text in texts.items():
        yield from (".TP", f".B {_roff(tag)}", _roff(" ".join(text.split())))


def _roff(text: str) -> str:
    """Return text that roff sets as it is: no escape, no request, plain hyphens."""
    safe = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f"\\&{safe}" if safe.startswith((".", "'")) else safe
