"""Being told how a run ended: from settings and environment to letters on their way.

Decides: where the secret comes from, what is refused before any work, and that nothing
here changes a run's result. Must not know: what a letter says, how it travels.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog

from batch_register.cli.connection import WallClock
from batch_register.cli.failures import describe
from batch_register.errors import SettingsError
from batch_register.logs.redaction import keep_secret
from batch_register.notify.carrier import Carrier, Letter, Patience
from batch_register.notify.deliver import deliver
from batch_register.notify.document import body
from batch_register.notify.ending import Ending, Reason, is_told
from batch_register.notify.impatient import ImpatientLoop
from batch_register.notify.webhook import Webhook
from batch_register.notify.words import text, title
from batch_register.ports import Clock
from batch_register.report.rows import Report
from batch_register.settings import (
    NOTIFY_SECRET_ENV,
    NOTIFY_SECRET_FILE_ENV,
    Address,
    NotifyOn,
    Settings,
)
from batch_register.transport.http import HttpOptions, HttpSender
from batch_register.transport.tls import Tls

USUAL_PATIENCE = Patience()
_SHORTEST_SECRET = 16  # characters: less could be guessed, or be a word of a log
_LONGEST_SECRET = 4096
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def told_at_the_end(
    manifest: Path,
    settings: Settings,
    environ: Mapping[str, str],
    patience: Patience = USUAL_PATIENCE,
) -> Iterator[Herald]:
    """Give what tells of a run's end; a run that an error ends is told of here.

    Raises:
        SettingsError: before the block: an extra, a secret or an address is no good.
    """
    herald = Herald.prepared(manifest, settings, environ, patience)
    try:
        yield herald
    except (Exception, BaseExceptionGroup) as error:
        herald.tell_of_failure(error)
        raise


@dataclass(slots=True, kw_only=True)
class Herald:
    """Tells of one run's end, and raises nothing."""

    manifest: str  # its name, once it is known; the file's until then
    settings: Settings
    secret: str | None = field(repr=False)
    chats: tuple[Carrier, ...]
    patience: Patience
    clock: Clock
    started_at: datetime

    @classmethod
    def prepared(
        cls,
        manifest: Path,
        settings: Settings,
        environ: Mapping[str, str],
        patience: Patience,
    ) -> Herald:
        """Return a herald that can do its work; raise SettingsError where it cannot."""
        secret = read_secret(environ) if settings.notify else None
        for address in settings.notify:
            keep_secret(*address.secrets)
        if secret is not None:
            keep_secret(secret)
        clock = WallClock()
        return cls(
            manifest=manifest.name,
            settings=settings,
            secret=secret,
            chats=tuple(_chat(each) for each in settings.notify if not each.is_webhook),
            patience=patience,
            clock=clock,
            started_at=clock.now(),
        )

    def tell(self, report: Report, exit_code: int) -> None:
        """Tell of a run that has a report."""
        self._send(exit_code, report=report)

    def tell_of_failure(self, error: BaseException) -> None:
        """Tell of a run that an error ended."""
        failure = describe(error)
        reason = Reason(
            reference=failure.reference,
            message=failure.message,
            hint=failure.hint,
            problems=failure.problems,
        )
        self._send(failure.exit_code, reason=reason)

    def _send(
        self,
        exit_code: int,
        *,
        report: Report | None = None,
        reason: Reason | None = None,
    ) -> None:
        on_trouble_only = self.settings.notify_on is NotifyOn.TROUBLE
        if not self.settings.notify or not is_told(
            exit_code, on_trouble_only=on_trouble_only
        ):
            return
        ending = Ending(
            manifest=self.manifest,
            exit_code=exit_code,
            started_at=self.started_at,
            finished_at=self.clock.now(),
            report=report,
            reason=reason,
            is_rehearsal=self.settings.simulate,
            shard=self.settings.shard,
        )
        try:
            with asyncio.Runner(loop_factory=ImpatientLoop) as runner:
                runner.run(self._deliver(_letter(ending)))
        except Exception as error:  # noqa: BLE001 - the run's result is not at its mercy
            _log_end("all", f"internal error: {type(error).__name__}")

    async def _deliver(self, letter: Letter) -> None:
        """Deliver to all addresses; a signal ends it at once."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        if task is not None:
            for number in _SIGNALS:
                loop.add_signal_handler(number, task.cancel)
        try:
            with suppress(asyncio.CancelledError):
                async with HttpSender(_http_options(len(self.settings.notify))) as http:
                    carriers = [*self._webhooks(http), *self.chats]
                    total_s = self.patience.total_s
                    await deliver(letter, carriers, total_s=total_s, tell=_log_end)
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    def _webhooks(self, sender: HttpSender) -> Iterator[Carrier]:
        for address in self.settings.notify:
            if address.is_webhook:
                yield Webhook(
                    address=address,
                    sender=sender,
                    clock=self.clock,
                    secret=self.secret,
                    patience=self.patience,
                    rng=random.Random(),  # noqa: S311 - jitter, not a secret
                )


def read_secret(environ: Mapping[str, str]) -> str | None:
    """Return what notifications are signed with; None where none is told.

    Raises:
        SettingsError: it is told twice, too short, or its file cannot be read.
    """
    told, file = environ.get(NOTIFY_SECRET_ENV), environ.get(NOTIFY_SECRET_FILE_ENV)
    if told and file:
        message = f"{NOTIFY_SECRET_ENV} and {NOTIFY_SECRET_FILE_ENV} are both set"
        raise SettingsError(message, hint="keep one of the two")
    if not told and not file:
        return None
    secret = told or _file_text(Path(str(file)))
    if not _SHORTEST_SECRET <= len(secret) <= _LONGEST_SECRET:
        source = NOTIFY_SECRET_ENV if told else NOTIFY_SECRET_FILE_ENV
        message = (
            f"the secret of {source} must have {_SHORTEST_SECRET} to "
            f"{_LONGEST_SECRET} characters"
        )
        raise SettingsError(message, hint="make one with `openssl rand -hex 32`")
    return secret


def _file_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST_SECRET + 2).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        message = f"{NOTIFY_SECRET_FILE_ENV} {path} cannot be read: {why}"
        raise SettingsError(message, hint="give the path of a readable file") from None


def _chat(address: Address) -> Carrier:
    try:
        # Here and not above: the extra may be missing.
        from batch_register.notify.chat import Chat  # noqa: PLC0415
    except ImportError:
        message = f"notify: {address.shown} needs Apprise, which is not installed"
        hint = "install the extra: pip install 'batch-register[notify]'"
        raise SettingsError(message, hint=hint) from None
    return Chat(address)


def _letter(ending: Ending) -> Letter:
    delivery_id = secrets.token_hex(16)
    return Letter(
        delivery_id=delivery_id,
        body=body(ending, delivery_id=delivery_id),
        is_trouble=ending.is_trouble,
        title=title(ending),
        text=text(ending),
    )


def _http_options(connections: int) -> HttpOptions:
    return HttpOptions(
        connections=connections, trust_env=True, tls=Tls(), reads_bodies=False
    )


def _log_end(destination: str, reason: str | None) -> None:
    log = structlog.get_logger()
    if reason is None:
        log.info("notify.sent", destination=destination)
    else:
        log.warning("notify.failed", destination=destination, reason=reason)
