"""How a command's help page looks: options by purpose, then examples.

Decides: which options belong together, in which order. Must not know: what an option
does.
"""

from __future__ import annotations

from typing import Any

import click

from batch_register.cli import PROGRAM

_FEW = 8  # options that need no headings
# Options that share a purpose, by their parameters' names; others stand under Options.
_PURPOSES = {
    "Cloud": ("cloud", "region", "simulate", "fault_script"),
    "Images": ("select", "shard", "retry_failed", "keep_failed"),
    "Pace": (
        "concurrency",
        "poll_interval_s",
        "settle_s",
        "image_deadline_s",
        "max_duration_s",
        "max_rate_per_s",
    ),
    "Files": (
        *("preflight", "accept_sources", "upload_streams"),
        *("max_upload_rate_per_s", "dask"),
    ),
    "Output": (
        *("ledger", "report", "metrics_file", "notify", "notify_on"),
        *("output", "progress", "log_file", "log_level"),
    ),
    "General": ("config_file", "help"),
}


class Page(click.Command):
    """A command whose help is grouped by purpose and ends with examples."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - handed on to click
        examples: tuple[str, ...] = (),
        **given: Any,  # noqa: ANN401 - as above
    ) -> None:
        """`examples`: command lines without the program's name."""
        super().__init__(*args, **given)
        self.examples = tuple(f"{PROGRAM} {example}" for example in examples)

    def format_options(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the options under the headings of their purposes."""
        for title, options in options_by_purpose(self, ctx).items():
            records = [option.get_help_record(ctx) for option in options]
            with formatter.section(title):
                formatter.write_dl([record for record in records if record])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on a line of its own, then the epilog."""
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example}\n")
        super().format_epilog(ctx, formatter)


def options_by_purpose(
    command: click.Command, ctx: click.Context
) -> dict[str, list[click.Option]]:
    """Return a command's options by heading; few of them need but one."""
    options = [
        each for each in command.get_params(ctx) if isinstance(each, click.Option)
    ]
    if len(options) <= _FEW:
        return {"Options": options}
    headings = {name: title for title, names in _PURPOSES.items() for name in names}
    grouped: dict[str, list[click.Option]] = {
        title: [] for title in ("Options", *_PURPOSES)
    }
    for option in options:
        is_help = "--help" in option.opts
        name = "help" if is_help else option.name or ""
        grouped[headings.get(name, "Options")].append(option)
    return {title: members for title, members in grouped.items() if members}
