"""One image service under examination: what it shows, and what a probe proves.

Decides: what is noted of the service's answers. Must not know: how it was reached, what
a finding means.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from batch_register.doctor import (
    PROBE,
    Checkup,
    Diagnosis,
    Finding,
    Probe,
    Sight,
    TagFilter,
    Topic,
    access,
    clear,
    judge,
    patience_for,
    probe_spec,
    reach,
)
from batch_register.doctor.probe import OS_VERSION
from batch_register.doctor.witness import Witness
from batch_register.errors import ServiceError
from batch_register.glance.client import GlanceClient
from batch_register.identity import Cloud, Connection
from batch_register.identity.cloud import GivenToken, KeyPair
from batch_register.ims.client import ImsClient
from batch_register.ims.outgoing import ListCall
from batch_register.ims.profile import Profile
from batch_register.model import Fault
from batch_register.stopping import Stop

_TASKS = "import tasks"  # what plain OpenStack has in place of jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedService:
    """A service, who we are there, and where findings go."""

    cloud: Cloud
    connection: Connection
    client: ImsClient | GlanceClient
    profile: Profile
    witness: Witness
    diagnosis: Diagnosis

    async def look(self) -> Sight | None:
        """Note what it shows, and return it; None where it shows nothing."""
        if not isinstance(self.cloud.auth, KeyPair | GivenToken):
            self._add(access.login_finding(self.cloud))  # proven by the login itself
        try:
            sight = await Checkup(self.client).look()
        except ServiceError as error:
            self._note_refusal(error.fault)
            return None
        self._note_sight(sight)
        return sight

    async def clear_up(self, sight: Sight, settle_s: float, stop: Stop) -> None:
        """Delete the shells of earlier probes that were cut off."""
        now = self.witness.service_now()
        if now is None or not sight.old_probes:
            return
        cleared = await clear(
            self.client,
            sight.old_probes,
            now,
            patience=patience_for(settle_s),
            stop=stop,
        )
        self._add(judge.leftovers_finding(sight.old_probes, cleared=cleared))

    async def probe(self, settle_s: float, stop: Stop) -> float | None:
        """Take a probe, and return the list lag that it measured, in seconds.

        Its record is the diagnosis's before anything is sent: whatever ends it, what is
        left behind is told.
        """
        name = f"{PROBE}-{secrets.token_hex(4)}"
        min_disk_gb = self.profile.min_disk_floor_gb(OS_VERSION)
        probe = Probe(
            service=self.client,
            spec=probe_spec(name, min_disk_gb),
            patience=patience_for(settle_s),
            stop=stop,
        )
        record = self.diagnosis.probe = probe.record
        await probe.take()
        if record.tag_filter is not TagFilter.NOT_KNOWN:
            self.diagnosis.capabilities.tag_filter = record.tag_filter
        if record.list_lag_s is None:
            return None
        lag_s = round(record.list_lag_s, 1)
        self.diagnosis.capabilities.list_lag_s = lag_s
        return lag_s

    def _note_refusal(self, fault: Fault) -> None:
        if self.witness.has_heard(self.connection.image_endpoint):
            self._add(self._endpoint())
        refused = reach.list_refused(
            fault,
            self.connection.project_id,
            login_advice=access.service_refused_advice(self.cloud),
            address=access.address_words(self.connection.endpoint_from),
        )
        if refused.topic is Topic.RIGHT:  # it knows us
            self._add(access.login_finding(self.cloud))
        self._add(refused)

    def _note_sight(self, sight: Sight) -> None:
        capabilities = self.diagnosis.capabilities
        list_call, job_call = self._calls()
        capabilities.list_call = list_call
        if judge.has_job_call(sight.job_fault):
            capabilities.job_call = job_call
        capabilities.quota = sight.quota
        capabilities.tag_filter = sight.tag_filter
        told = judge.sight_findings(
            sight,
            list_call=judge.call_words(list_call, self._usual_list_call),
            job_call=judge.call_words(job_call, self._usual_job_call),
        )
        self._add(access.login_finding(self.cloud), self._endpoint(), *told)

    def _calls(self) -> tuple[str, str]:
        """Return the calls for lists and for jobs that turned out to be there."""
        if isinstance(self.client, ImsClient):
            return str(self.client.list_call), str(self.client.job_call)
        return self._usual_list_call, self._usual_job_call

    @property
    def _usual_list_call(self) -> str:
        is_plain = self.profile.fetches_from_web
        return str(ListCall.NATIVE if is_plain else ListCall.EXTENSION)

    @property
    def _usual_job_call(self) -> str:
        return _TASKS if self.profile.fetches_from_web else str(self.profile.job_call)

    def _endpoint(self) -> Finding:
        slowest_s = self.witness.slowest_of(self.connection.image_endpoint) or 0.0
        return access.endpoint_finding(
            self.cloud, self.connection, self.profile, slowest_s=slowest_s
        )

    def _add(self, *findings: Finding) -> None:
        self.diagnosis.findings.add(*findings)
