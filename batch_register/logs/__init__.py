"""Where log lines go and what they look like: structlog, set up once by the cli.

Decides: form (console on a terminal, else one JSON object per line), stamps, that no
secret and no local variable is written, and that a broken log stops nothing. Must not
know: who logs what.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import ExceptionRenderer, JSONRenderer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

from batch_register.errors import SettingsError
from batch_register.logs.redaction import MASK, keep_secret, redact, redact_text
from batch_register.logs.sinks import FileSink, StreamSink

__all__ = ["MASK", "LogPlan", "configured", "keep_secret", "redact", "redact_text"]

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), "?")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPlan:
    """What to log and where to; levels are debug, info, warning or error."""

    level: str = "info"
    stream: TextIO | None = None  # None: standard error, whatever it is at the time
    is_terminal: bool = False  # the stream shows lines to a person
    has_colour: bool = False
    stream_level: str | None = None  # None: `level`; a bar wants only what matters
    log_file: Path | None = None  # always one JSON object per line


@contextmanager
def configured(plan: LogPlan) -> Iterator[None]:
    """Send everything logged inside the block where the plan says.

    What libraries say through `logging` (warnings and worse) goes the same way.

    Raises:
        SettingsError: the log file cannot be opened.
    """
    with ExitStack() as stack:
        outlets = [_stream_outlet(plan)]
        if plan.log_file is not None:
            outlets.append(_file_outlet(plan.log_file, plan.level, stack))
        fan = _Fan(outlets)
        stack.callback(structlog.reset_defaults)
        least = min(outlet.level for outlet in outlets)
        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.add_log_level,
                _stamp,
                _hand_over,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(least),
            logger_factory=lambda *_: fan,
            cache_logger_on_first_use=False,
        )
        stack.enter_context(_libraries_bridged())
        stack.callback(fan.tell_losses)
        yield


# ------------------------------------------------------------ outlets


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outlet:
    """One destination: its least level, its form and its sink."""

    level: int
    sink: StreamSink | FileSink
    steps: tuple[Processor, ...]
    render: Callable[[EventDict], str]

    def take(self, event: EventDict) -> None:
        """Write one event; an event that cannot be written is dropped."""
        with suppress(Exception):  # a value's own repr may raise anything at all
            for step in self.steps:
                step(None, "", event)
            cleaned = redact(event)
            if isinstance(cleaned, dict):
                self.sink.write(self.render(cleaned))


class _Fan:
    """The logger that structlog ends in: hands each event to every outlet."""

    def __init__(self, outlets: list[_Outlet]) -> None:
        self._outlets = outlets

    def take(self, event: EventDict) -> None:
        """Hand over one event."""
        level = _LEVELS.get(str(event.get("level")), logging.CRITICAL)
        for outlet in self._outlets:
            if level >= outlet.level:
                outlet.take(dict(event))

    debug = info = warning = error = critical = take

    def tell_losses(self) -> None:
        """Say on the outlets that still work how many lines the others lost."""
        lost = sum(outlet.sink.lost_lines for outlet in self._outlets)
        if lost:
            structlog.get_logger().warning("log.lines_lost", lines=lost)


def _stream_outlet(plan: LogPlan) -> _Outlet:
    level = _LEVELS[plan.stream_level or plan.level]
    sink = StreamSink(plan.stream)
    if not plan.is_terminal:
        return _json_outlet(level, sink)
    console = ConsoleRenderer(
        colors=plan.has_colour, exception_formatter=plain_traceback, sort_keys=False
    )
    return _Outlet(
        level=level,
        sink=sink,
        steps=(ExceptionRenderer(),),
        render=lambda event: str(console(None, "", _printable(event))),
    )


def _file_outlet(path: Path, level: str, stack: ExitStack) -> _Outlet:
    try:
        file = stack.enter_context(path.open("ab", buffering=0))
    except OSError as error:
        message = f"log_file {path} cannot be opened: {error.strerror or error}"
        raise SettingsError(message, hint="choose another --log-file") from error
    return _json_outlet(_LEVELS[level], FileSink(file))


def _json_outlet(level: int, sink: StreamSink | FileSink) -> _Outlet:
    to_json = JSONRenderer(ensure_ascii=True)
    frames = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
    return _Outlet(
        level=level,
        sink=sink,
        steps=(frames,),
        render=lambda event: str(to_json(None, "", event)),
    )


def _printable(event: EventDict) -> MutableMapping[str, object]:
    """Return the event with control characters replaced: a cloud wrote some of it."""
    return {
        key: _without_controls(value, keep_lines=key == "exception")
        for key, value in event.items()
    }


def _without_controls(value: object, *, keep_lines: bool) -> object:
    if not isinstance(value, str):
        return value
    if keep_lines:
        return "\n".join(line.translate(_CONTROLS) for line in value.split("\n"))
    return value.translate(_CONTROLS)


# ------------------------------------------------------------ structlog and logging


def _stamp(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    event["timestamp"] = now.replace("+00:00", "Z")
    return event


def _hand_over(
    _logger: WrappedLogger, _name: str, event: EventDict
) -> tuple[tuple[EventDict], dict[str, object]]:
    """Pass the event on, unrendered: each outlet has a form of its own."""
    first = {key: event.pop(key) for key in ("timestamp", "level", "event")}
    return ({**first, **event},), {}


class _Bridge(logging.Handler):
    """Passes what libraries log on to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one record on, or drop it: a library's log line stops nothing."""
        with suppress(Exception):
            structlog.get_logger().log(
                record.levelno,
                "library.message",
                library=record.name,
                message=record.getMessage(),
                exc_info=record.exc_info or None,
            )


@contextmanager
def _libraries_bridged() -> Iterator[None]:
    root = logging.getLogger()
    bridge = _Bridge(level=logging.WARNING)
    root.addHandler(bridge)
    try:
        yield
    finally:
        root.removeHandler(bridge)
