"""`history`: everything that happened to one entry, over all runs.

Decides: which entry is meant, and what to say where there is none of that key. Must not
know: what a ledger line looks like.
"""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path

import click

from batch_register.cli import candidates, stdout
from batch_register.cli.pages import Page
from batch_register.errors import SettingsError
from batch_register.ledger import read_history, read_ledger
from batch_register.model import EntryKey
from batch_register.report.plain import printable
from batch_register.report.story import render_json, tell
from batch_register.report.story_text import render_text

_MOST_MATCHES = 5


@click.command("history", cls=Page, examples=("history wave.ledger.jsonl web-01",))
@click.argument(
    "ledger", type=click.Path(path_type=Path), shell_complete=candidates.ledgers
)
@click.argument("key", shell_complete=candidates.keys)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For a person, or for a program.",
)
def command(ledger: Path, key: str, form: str) -> None:
    """Tell everything that LEDGER holds about the entry KEY."""
    replay = read_ledger(ledger)
    entry = EntryKey(key)
    if entry not in replay.records:
        raise _unknown_key(ledger, key, replay.records)
    story = tell(replay, entry, read_history(ledger, entry))
    render = render_json if form == "json" else render_text
    stdout.write(render(story))


def _unknown_key(ledger: Path, key: str, known: Collection[EntryKey]) -> SettingsError:
    """Return the error that names the keys which may have been meant."""
    message = f"{ledger}: no entry has the key {key!r}"
    matches = _near(key, known)
    if matches:
        hint = f"did you mean {', '.join(printable(match) for match in matches)}?"
    else:
        hint = f"the report command lists all {len(known)} keys"
    return SettingsError(message, hint=hint)


def _near(key: str, known: Collection[EntryKey]) -> list[str]:
    """Return keys like this one: those that it is a part of, then near spellings."""
    part = key.casefold()
    holding = [other for other in known if part in other.casefold()]
    close = get_close_matches(key, known, n=_MOST_MATCHES)
    return list(dict.fromkeys([*holding, *close]))[:_MOST_MATCHES]
