"""What a run may be told: every setting once, and which source wins.

Decides: which settings there are, their defaults and limits; precedence is flags, then
environment, then the settings file, then what a rehearsal prefers, then the default.
Must not know: click, the engine, what a setting is used for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, cast, get_type_hints

from batch_register.errors import SettingsError
from batch_register.settings import kinds, values
from batch_register.settings.address import Address
from batch_register.settings.placeholder import named_for_shard
from batch_register.settings.precedence import Sources, unknown_variables
from batch_register.settings.setting import (
    ENVIRONMENT_PREFIX,
    Kind,
    Origin,
    Setting,
    Source,
)
from batch_register.shard import Shard

__all__ = [
    "CONFIG_ENV",
    "NOTIFY_SECRET_ENV",
    "NOTIFY_SECRET_FILE_ENV",
    "SETTINGS",
    "Address",
    "Kind",
    "LogLevel",
    "NotifyOn",
    "Origin",
    "Output",
    "ProgressMode",
    "ResolvedSettings",
    "Setting",
    "Settings",
    "Source",
]

CONFIG_ENV = ENVIRONMENT_PREFIX + "CONFIG"  # stands for --config
# No settings: a flag would show them to every process of the machine.
NOTIFY_SECRET_ENV = ENVIRONMENT_PREFIX + "NOTIFY_SECRET"
NOTIFY_SECRET_FILE_ENV = NOTIFY_SECRET_ENV + "_FILE"


class Output(StrEnum):
    """What a command writes to standard output."""

    TABLE = "table"
    JSON = "json"
    QUIET = "quiet"


class ProgressMode(StrEnum):
    """How a run shows that it is getting on."""

    AUTO = "auto"
    BAR = "bar"
    PLAIN = "plain"
    NONE = "none"


class LogLevel(StrEnum):
    """The least serious log line that is still written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class NotifyOn(StrEnum):
    """Which ends of a run are told."""

    ALWAYS = "always"
    TROUBLE = "trouble"


_REPORT_HELP = (
    f"Write the report here too; the format by {', '.join(values.REPORT_SUFFIXES)}."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that a run may be told; durations are seconds.

    The one table of settings: the command line, the environment names, the settings
    file, `config` and the tests are all drawn from these fields.
    """

    ledger: Annotated[
        Path | None,
        kinds.file(
            "Where runs are recorded; left out, beside the manifest, if there is one."
        ),
    ] = None
    cloud: Annotated[
        str | None, kinds.name("Entry of clouds.yaml; left out, OS_CLOUD and so on.")
    ] = None
    region: Annotated[str | None, kinds.name("Region of the cloud.")] = None
    simulate: Annotated[
        bool, kinds.switch("Rehearse on a simulated cloud inside this process.")
    ] = False
    fault_script: Annotated[
        Path | None,
        kinds.file("Faults for the simulated cloud to show (with --simulate)."),
    ] = None
    concurrency: Annotated[
        int,
        kinds.number(
            "Images in flight, 1 to 10000.", values.whole_number(1, 10_000), "N"
        ),
    ] = 20
    poll_interval_s: Annotated[
        float, kinds.duration("Time between two looks at the images.", rehearsal=0.5)
    ] = 5.0
    settle_s: Annotated[
        float,
        kinds.duration(
            "How long the cloud may take to list what it made.",
            may_be_zero=True,
            rehearsal=2.0,
        ),
    ] = 30.0
    image_deadline_s: Annotated[
        float, kinds.duration("How long one image may take until it is left for later.")
    ] = 3600.0
    max_duration_s: Annotated[
        float | None,
        kinds.duration("Window of the whole run; what is left is for the next one."),
    ] = None
    max_rate_per_s: Annotated[
        float | None, kinds.number("Most requests per second.", values.rate, "R")
    ] = None
    select: Annotated[
        tuple[str, ...],
        kinds.globs("Only entries whose key matches; may be given several times."),
    ] = ()
    shard: Annotated[
        Shard | None,
        Setting(
            help="Only part I of N, from 0/N; each part has a ledger of its own.",
            kind=Kind.TEXT,
            parse=values.shard,
            metavar="I/N",
        ),
    ] = None
    retry_failed: Annotated[
        bool, kinds.switch("Try again what failed in an earlier run.")
    ] = True
    keep_failed: Annotated[
        bool, kinds.switch("Leave the image of a failed attempt in the cloud.")
    ] = False
    preflight: Annotated[
        bool, kinds.switch("Look at every source before anything is made.")
    ] = True
    accept_sources: Annotated[
        bool,
        kinds.switch(
            "Let active images be as they are where their sources have changed."
        ),
    ] = False
    upload_streams: Annotated[
        int,
        kinds.number(
            "Parts on their way at once, 1 to 64.", values.whole_number(1, 64), "N"
        ),
    ] = 12
    max_upload_rate_per_s: Annotated[
        int | None,
        kinds.number(
            "Most bytes per second of all uploads: 50M, 1G.", values.size, "SIZE"
        ),
    ] = None
    dask: Annotated[
        str | None,
        kinds.number(
            "Have files read by the workers of this Dask scheduler.",
            values.scheduler,
            "SCHEDULER",
        ),
    ] = None
    report: Annotated[Path | None, kinds.file(_REPORT_HELP, values.report_path)] = None
    metrics_file: Annotated[
        Path | None,
        kinds.file(
            "Write metrics for Prometheus here; ends in .prom.", values.metrics_path
        ),
    ] = None
    notify: Annotated[
        tuple[Address, ...],
        kinds.addresses(
            "Tell this address how the run ended; may be given several times."
        ),
    ] = ()
    notify_on: Annotated[
        NotifyOn,
        kinds.choice("Which ends are told: every one, or trouble only.", NotifyOn),
    ] = NotifyOn.ALWAYS
    output: Annotated[Output, kinds.choice("What goes to standard output.", Output)] = (
        Output.TABLE
    )
    progress: Annotated[
        ProgressMode, kinds.choice("How progress is shown.", ProgressMode)
    ] = ProgressMode.AUTO
    log_file: Annotated[
        Path | None, kinds.file("Append the log here too, one JSON object per line.")
    ] = None
    log_level: Annotated[
        LogLevel, kinds.choice("Least serious log line to write.", LogLevel)
    ] = LogLevel.INFO

    @classmethod
    def resolve(
        cls,
        flags: Mapping[str, object],
        environ: Mapping[str, str],
        config_file: Path | None,
    ) -> ResolvedSettings:
        """Put the settings together from all sources, the strongest first.

        `flags` go by field name; None stands for "not given". An empty variable counts
        as not set. Relative paths in the file start at the file's folder.

        Raises:
            SettingsError: values are wrong or contradict one another; names them all.
        """
        sources = Sources(SETTINGS)
        sources.take_flags(flags)
        sources.take_environment(environ)
        if config_file is not None:
            sources.take_file(config_file)
        if sources.values.get("simulate"):
            sources.take_rehearsal()
        sources.complain()
        # Each parser returns what its field holds: a test compares their types.
        settings = cls(**cast("dict[str, Any]", named_for_shard(sources.values)))
        _check_together(settings)
        default = Origin(source=Source.DEFAULT)
        names = [setting.field_name for setting in SETTINGS]
        others = {CONFIG_ENV, NOTIFY_SECRET_ENV, NOTIFY_SECRET_FILE_ENV}
        known = frozenset(others | {setting.env for setting in SETTINGS})
        return ResolvedSettings(
            settings=settings,
            origins={name: sources.origins.get(name, default) for name in names},
            unknown_variables=unknown_variables(environ, known),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedSettings:
    """The settings in force, and where each came from, by field name."""

    settings: Settings
    origins: Mapping[str, Origin]
    unknown_variables: tuple[str, ...] = ()  # with our prefix, but read by nobody

    def is_chosen(self, field_name: str) -> bool:
        """Return whether somebody set this, rather than the defaults."""
        weak = (Source.DEFAULT, Source.REHEARSAL)
        return self.origins[field_name].source not in weak


def _table() -> tuple[Setting, ...]:
    """Return the settings in the order in which they are declared."""
    hints = get_type_hints(Settings, include_extras=True)
    return tuple(
        dataclasses.replace(
            cast("Setting", hints[each.name].__metadata__[0]),
            field_name=each.name,
            default=each.default,
        )
        for each in dataclasses.fields(Settings)
    )


SETTINGS = _table()


def _check_together(settings: Settings) -> None:
    """Refuse settings that are well formed, but contradict one another."""
    if settings.fault_script is not None and not settings.simulate:
        message = f"fault_script {settings.fault_script} is given without simulate"
        raise SettingsError(message, hint="faults are for rehearsals: add --simulate")
    files = {
        "ledger": settings.ledger,
        "report": settings.report,
        "metrics_file": settings.metrics_file,
        "log_file": settings.log_file,
    }
    taken: dict[Path, str] = {}
    for name, path in files.items():
        if path is None:
            continue
        first = taken.setdefault(path.absolute(), name)
        if first != name:
            message = f"{first} and {name} are the same file, {path}"
            raise SettingsError(message, hint="give each a file of its own")
