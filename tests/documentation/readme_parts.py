"""The parts of README that are drawn from the code, and the command that redraws them.

`python -m tests.documentation.readme_parts` writes them into README; a test compares.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from batch_register.event import DURABLE_EVENTS
from batch_register.ims.overrides import FIELDS
from batch_register.ims.profile import PROFILES, Endpoints, JobCall, Profile
from batch_register.machine import TABLE
from batch_register.manifest import json_schema
from batch_register.metrics.table import METRICS, Kind
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


# Where each fact stands, by the page's title; the same title in every cloud's manual.
_FACT_SOURCES = {
    "job_call": "Querying the Status of an Asynchronous Job; Querying the Progress of an Asynchronous Job",
    "linux_min_disk_floor_gb": "Creating Image Metadata",
    "windows_min_disk_floor_gb": "Creating Image Metadata",
    "min_disk_ceiling_gb": "Creating Image Metadata",
    "disk_formats": "Creating Image Metadata",
    "takes_iso": "Registering an Image",
    "takes_windows": "Creating Image Metadata",
    "takes_chinese_names": "Image Attributes",
    "takes_kms_objects": "Registering an Image; Preparing an Image File",
    "task_limit": "Constraints",
}


def profile_table() -> str:
    """Return every fact that differs from cloud to cloud, its override and its source."""
    names = " | ".join(f"`{name}`" for name in PROFILES)
    lines = [f"| override | {names} | page |", "| --- " * (len(PROFILES) + 2) + "|"]
    for key, fact in FIELDS.items():
        cells = " | ".join(_cell(profile, fact) for profile in PROFILES.values())
        lines.append(f"| `{key}` | {cells} | {_FACT_SOURCES[fact]} |")
    return "\n".join(lines)


def _cell(profile: Profile, fact: str) -> str:
    if fact == "job_call" and profile.fetches_from_web:
        return "none: tasks"
    mark = " (assumed)" if fact in profile.assumed else ""
    return _fact_words(getattr(profile, fact)) + mark


def _fact_words(value: object) -> str:
    match value:
        case JobCall():
            return "progress" if value is JobCall.PROGRESS else "project"
        case bool():
            return "yes" if value else "no"
        case None:
            return "not published"
        case tuple():
            return ", ".join(value)
        case _:
            return str(value)


def address_table() -> str:
    """Return the addresses of every profile, regions that follow one pattern together."""
    lines = [
        "| profile | regions | image service | IAM | OBS |",
        "| --- | --- | --- | --- | --- |",
    ]
    for profile in PROFILES.values():
        by_pattern: dict[tuple[str, ...], list[str]] = {}
        for region, endpoints in sorted(profile.regions.items()):
            by_pattern.setdefault(_pattern(region, endpoints), []).append(region)
        for pattern, regions in by_pattern.items():
            cells = " | ".join(pattern)
            lines.append(f"| `{profile.name}` | {', '.join(regions)} | {cells} |")
    return "\n".join(lines)


def _pattern(region: str, endpoints: Endpoints) -> tuple[str, ...]:
    mark = " (assumed)" if endpoints.is_image_assumed else ""
    told = [endpoints.image, endpoints.identity, endpoints.objects]
    image, identity, objects = (
        "not published: set `auth_url`"
        if url is None
        else f"`{url.replace(region, '{region}')}`"
        for url in told
    )
    return f"{image}{mark}", identity, objects


def metrics_table() -> str:
    """Return every metric of the metrics file."""
    lines = ["| metric | labels | what it tells |", "| --- | --- | --- |"]
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        kind = " (histogram)" if metric.kind is Kind.HISTOGRAM else ""
        lines.append(f"| `{metric.name}`{kind} | {labels} | {metric.help} |")
    return "\n".join(lines)


PARTS: dict[str, Callable[[], str]] = {
    "states": state_diagram,
    "settings": settings_table,
    "events": event_table,
    "manifest": manifest_table,
    "metrics": metrics_table,
    "profiles": profile_table,
    "addresses": address_table,
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
