"""The parts of README that are drawn from the code, and the command that redraws them.

`python -m tests.documentation.readme_parts` writes them into README; a test compares.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from batch_register.event import DURABLE_EVENTS
from batch_register.machine import TABLE
from batch_register.manifest import json_schema
from batch_register.settings import SETTINGS

README = Path(__file__).parents[2] / "README.md"


def state_diagram() -> str:
    """Return the machine's table as a diagram: events on the arrows between stages."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (stage, event), row in TABLE.items():
        for then in row.leads_to:
            arrow = (stage.__name__, then.__name__)
            arrows.setdefault(arrow, []).append(event.__name__)
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> Planned"]
    for (origin, target), events in arrows.items():
        lines.append(f"    {origin} --> {target}: {', '.join(events)}")
    lines += ["    Active --> [*]", "```"]
    return "\n".join(lines)


def settings_table() -> str:
    """Return every setting with its flag, environment variable, default and meaning."""
    lines = ["| flag | environment | default | meaning |", "| --- | --- | --- | --- |"]
    for setting in SETTINGS:
        default = (
            "" if setting.default in (None, ()) else setting.format(setting.default)
        )
        if setting.rehearsal is not None:
            default += f" (rehearsal: {setting.format(setting.rehearsal)})"
        lines.append(
            f"| `{setting.flag}` | `{setting.env}` | {default} | {setting.help} |"
        )
    return "\n".join(lines)


def event_table() -> str:
    """Return every event of an image that the ledger holds."""
    lines = ["| event | what happened |", "| --- | --- |"]
    for event in DURABLE_EVENTS:
        meaning = (event.__doc__ or "").splitlines()[0]
        lines.append(f"| `{event.ledger_name}` | {meaning} |")
    return "\n".join(lines)


def manifest_table() -> str:
    """Return every field of an image in the manifest."""
    image = json_schema()["$defs"]["Image"]["properties"]
    lines = ["| field | meaning |", "| --- | --- |"]
    for name, field in image.items():
        meaning = " ".join(str(field.get("description", "")).split())
        escaped = meaning.replace("|", "\\|").replace("<", "&lt;")
        lines.append(f"| `{name}` | {escaped} |")
    return "\n".join(lines)


PARTS: dict[str, Callable[[], str]] = {
    "states": state_diagram,
    "settings": settings_table,
    "events": event_table,
    "manifest": manifest_table,
}


def redrawn(text: str) -> str:
    """Return README's text with every part drawn anew between its markers."""
    for name, draw in PARTS.items():
        begin, end = f"<!-- drawn: {name} -->", f"<!-- end: {name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        part = f"{begin}\n{draw()}\n{end}"
        text, count = pattern.subn(part.replace("\\", r"\\"), text)
        if count != 1:
            message = f"README has {count} places for {name}, wanted 1"
            raise ValueError(message)
    return text


if __name__ == "__main__":
    README.write_text(redrawn(README.read_text()))
