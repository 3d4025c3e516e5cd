"""The check-up behind `doctor`, put together from its parts.

Decides: what is looked at in which order, and that the first problem ends the looking
but not the telling. Must not know: what a finding means.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from dataclasses import dataclass, field

from batch_register.cli.connection import (
    Clients,
    WallClock,
    chosen_cloud,
    open_sender,
    profile_of,
    published_endpoints,
)
from batch_register.cli.console import log_plan
from batch_register.cli.diagnosis import show
from batch_register.cli.display import Display
from batch_register.cli.examined_ledger import ExaminedLedger
from batch_register.cli.examined_service import ExaminedService
from batch_register.cli.examined_store import ExaminedStore
from batch_register.cli.interrupts import two_stage_stop
from batch_register.cli.object_access import LoggedIn
from batch_register.cli.waiting import told_while_waiting
from batch_register.doctor import (
    Diagnosis,
    Topic,
    access,
    judge,
    objects,
)
from batch_register.doctor.witness import Witness
from batch_register.doctor.words import doing
from batch_register.errors import ServiceError, SettingsError
from batch_register.identity import Cloud, Connection, connect
from batch_register.identity.cloud import GivenToken, KeyPair
from batch_register.identity.clouds import told_variables
from batch_register.ims.profile import Profile
from batch_register.logs import configured
from batch_register.logs.redaction import redact_text
from batch_register.manifest.rules import BUCKET_PATTERN, RULES
from batch_register.model import Target
from batch_register.settings import ResolvedSettings, Settings
from batch_register.stopping import Stop
from batch_register.transport.proxy import environment_proxies

# Somebody waits at a terminal, and nothing is tried twice.
_CALL_DEADLINE_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asks for, the settings apart."""

    probes: bool = False
    buckets: tuple[str, ...] = ()

    def skipped(self, settings: Settings) -> list[Topic]:
        """Return the topics that nobody asked for."""
        asked = {
            Topic.LEFTOVERS: False,
            Topic.PROBE: self.probes,
            Topic.BUCKETS: bool(self.buckets),
            Topic.LEDGER: settings.ledger is not None,
        }
        return [topic for topic, is_asked in asked.items() if not is_asked]


def examine(resolved: ResolvedSettings, request: Request) -> int:
    """Look at everything that a run rests on, tell of it, and return the exit code.

    Raises:
        SettingsError: a bucket's name is none.
    """
    for name in request.buckets:
        if not re.fullmatch(BUCKET_PATTERN, name):
            message = f"--bucket {redact_text(name)}: bucket {RULES['bucket'].must}"
            raise SettingsError(message)
    # On a terminal what is shown says it all: like beside a bar, only warnings.
    display = Display.BAR if sys.stderr.isatty() else Display.NONE
    with configured(log_plan(resolved, display, sys.stderr, os.environ)):
        return asyncio.run(_examine(resolved, request))


async def _examine(resolved: ResolvedSettings, request: Request) -> int:
    stop, task = Stop(), asyncio.current_task()
    examination = _Examination(resolved=resolved, request=request, stop=stop)

    def end_looking() -> None:
        """Cut what only reads off at once; a probe has to clean up behind itself."""
        if task is not None and examination.diagnosis.probe is None:
            task.cancel()

    stop.when_requested(end_looking)
    try:
        with two_stage_stop(stop):
            await examination.carry_out()
    except asyncio.CancelledError:
        if stop.reason is None:
            raise
    settings = resolved.settings
    skipped = request.skipped(settings)
    return show(examination.diagnosis, settings, skipped=skipped, stop=stop)


@dataclass(slots=True, kw_only=True)
class _Examination:
    """One check-up; what it has found stays with it, whatever ends it."""

    resolved: ResolvedSettings
    request: Request
    stop: Stop
    clock: WallClock = field(default_factory=WallClock)
    diagnosis: Diagnosis = field(default_factory=Diagnosis)
    ledger: ExaminedLedger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = ExaminedLedger(self.resolved.settings.ledger)

    async def carry_out(self) -> None:
        """Look at one thing after the other, until a problem stands in the way."""
        self.diagnosis.findings.add(access.settings_finding(self.resolved))
        try:
            cloud = chosen_cloud(self.resolved.settings)
        except SettingsError as error:
            self.diagnosis.findings.add(access.wrong_settings(Topic.CREDENTIALS, error))
            return
        variables = told_variables(os.environ)
        self.diagnosis.findings.add(access.credentials_finding(cloud, variables))
        self.diagnosis.findings.add(*self.ledger.read())
        try:
            async with open_sender(cloud, self.resolved.settings) as sender:
                witness = Witness(sender, self.clock)
                async with told_while_waiting(
                    sys.stderr, lambda: doing(witness.asked, self.diagnosis.probe)
                ):
                    await self._reach(cloud, witness)
        except SettingsError as error:
            self.diagnosis.findings.add(access.wrong_settings(Topic.CREDENTIALS, error))

    # ------------------------------------------------------------ on the way there

    async def _reach(self, cloud: Cloud, witness: Witness) -> None:
        auth_url = _auth_url(cloud)
        if not self._pass_proxies({"identity service": auth_url}):
            return
        connection = await self._connect(cloud, witness, auth_url)
        signs = isinstance(cloud.auth, KeyPair)
        if connection is not None:
            await self._serve(cloud, connection, witness)
        if witness.skew_s is not None:
            self.diagnosis.capabilities.clock_skew_s = round(witness.skew_s, 1)
        self.diagnosis.findings.add(judge.clock_finding(witness.skew_s, signs=signs))

    def _pass_proxies(self, addresses: dict[str, str | None]) -> bool:
        try:
            proxies = environment_proxies()
            names = [
                (what, proxies.route(url).name)
                for what, url in addresses.items()
                if url
            ]
        except SettingsError as error:
            self.diagnosis.findings.add(access.wrong_settings(Topic.PROXY, error))
            return False
        self.diagnosis.findings.add(access.proxy_finding(names))
        return True

    async def _connect(
        self, cloud: Cloud, witness: Witness, auth_url: str | None
    ) -> Connection | None:
        published = published_endpoints(cloud)
        try:
            connection = await connect(
                cloud,
                witness,
                self.clock,
                image_fallback=published.image if published else None,
                auth_fallback=auth_url,
                deadline_s=_CALL_DEADLINE_S,
            )
        except ServiceError as error:
            self._note_identity(cloud, witness, auth_url)
            self.diagnosis.findings.add(access.login_failure(cloud, error))
            return None
        except SettingsError as error:
            self._note_identity(cloud, witness, auth_url)
            if not isinstance(cloud.auth, KeyPair | GivenToken):
                self.diagnosis.findings.add(access.login_finding(cloud))
            topic = Topic.PROJECT if "project" in error.hint else Topic.ENDPOINT
            self.diagnosis.findings.add(access.wrong_settings(topic, error))
            return None
        self._note_identity(cloud, witness, auth_url)
        return connection

    def _note_identity(
        self, cloud: Cloud, witness: Witness, auth_url: str | None
    ) -> None:
        slowest_s = None if auth_url is None else witness.slowest_of(auth_url)
        self.diagnosis.findings.add(
            access.identity_finding(cloud, auth_url, slowest_s=slowest_s)
        )

    # ------------------------------------------------------------ at the image service

    async def _serve(
        self, cloud: Cloud, connection: Connection, witness: Witness
    ) -> None:
        addresses = {
            "identity service": _auth_url(cloud),
            "image service": connection.image_endpoint,
        }
        if not self._pass_proxies(addresses):
            return
        try:
            profile = profile_of(cloud, connection.image_endpoint)
        except SettingsError as error:
            self.diagnosis.findings.add(access.wrong_settings(Topic.ENDPOINT, error))
            return
        self._note_target(cloud, connection, profile)
        clients = Clients(
            connection=connection,
            sender=witness,
            clock=self.clock,
            call_deadline_s=_CALL_DEADLINE_S,
            image_deadline_s=self.resolved.settings.image_deadline_s,
        )
        service = ExaminedService(
            cloud=cloud,
            connection=connection,
            client=clients.of(profile),
            profile=profile,
            witness=witness,
            diagnosis=self.diagnosis,
        )
        sight = await service.look()
        if profile.fetches_from_web:
            self.diagnosis.findings.add(objects.web_finding())
        elif sight is not None:
            await self._look_at_store(cloud, connection, profile, witness)
        if sight is not None and self.request.probes:
            settle_s = self.resolved.settings.settle_s
            await service.clear_up(sight, settle_s, self.stop)  # first: it makes room
            await self._probe(service, settle_s)

    async def _look_at_store(
        self, cloud: Cloud, connection: Connection, profile: Profile, witness: Witness
    ) -> None:
        logged_in = LoggedIn(
            cloud=cloud,
            connection=connection,
            profile=profile,
            sender=witness,
            clock=self.clock,
        )
        settings = self.resolved.settings
        store = ExaminedStore(logged_in, settings, deadline_s=_CALL_DEADLINE_S)
        told = await store.look(self.request.buckets)
        self.diagnosis.findings.add(*told)

    async def _probe(self, service: ExaminedService, settle_s: float) -> None:
        lag_s = await service.probe(settle_s, self.stop)
        if lag_s is not None:
            noted = await self.ledger.note_lag(lag_s, self.clock)
            self.diagnosis.findings.add(*noted)

    def _note_target(
        self, cloud: Cloud, connection: Connection, profile: Profile
    ) -> None:
        self.diagnosis.target = Target(
            endpoint=connection.image_endpoint,
            project_id=connection.project_id,
            region=cloud.region_name or "",
        )
        self.diagnosis.findings.add(*self.ledger.check(self.diagnosis.target))
        remembered = self.ledger.remembered
        self.diagnosis.capabilities.task_limit = (
            remembered.task_limit or profile.task_limit
        )
        self.diagnosis.capabilities.list_lag_s = remembered.list_lag_s or None
        self.diagnosis.findings.add(
            access.project_finding(cloud, connection, profile),
            access.objects_finding(
                access.objects_address(cloud, profile, connection.listed_store)
            ),
            judge.task_limit_finding(
                profile.task_limit,
                remembered,
                profile_name=profile.name,
                overrides=cloud.profile_overrides,
            ),
            judge.list_lag_finding(remembered),
        )


def _auth_url(cloud: Cloud) -> str | None:
    """Return where a login or a look-up of the project would go."""
    if isinstance(cloud.auth, GivenToken):
        return None
    published = published_endpoints(cloud)
    return cloud.auth.auth_url or (published.identity if published else None)
