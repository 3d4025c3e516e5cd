"""The gateway: who may pass, and how often.

Source: API Gateway error codes (0301, 0307, 0308, 0310), API Request Signing Guide.
"""

from __future__ import annotations

from collections.abc import Mapping

from batch_register.simulator.calls import NOBODY, Call, Principal
from batch_register.simulator.codes import Img
from batch_register.simulator.object_auth import verify_object_request
from batch_register.simulator.options import RateLimit, SimulatorOptions
from batch_register.simulator.refusals import Refusal, gateway, ims
from batch_register.simulator.signature import (
    BadSignatureError,
    Claim,
    SignedRequest,
    parse_authorization,
    signed_at_s,
    verify,
)
from batch_register.simulator.tokens import Identity

_WRONG, _RENEW = "0301", "0307"
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


class Gatekeeper:
    """Checks credentials, projects and rates before a call reaches the service."""

    def __init__(self, options: SimulatorOptions, identity: Identity) -> None:
        self._options = options
        self._identity = identity
        self._prefix = options.gateway_prefix
        self._buckets: dict[tuple[int, str, str], _Bucket] = {}

    def admit(self, call: Call) -> None:
        """Find out who calls and note it in the call.

        Raises:
            Refusal: as the gateway words it.
        """
        match call.route.access:
            case "open":
                return
            case "objects":
                call.principal = self._objects(call)
            case "identity":
                call.principal = self._known(call)
            case _:
                call.principal = self._known(call)
                self._check_project(call)
        self._throttle(call)

    # -- who ------------------------------------------------------------------

    def _known(self, call: Call) -> Principal:
        authorization = call.headers.get("Authorization")
        token = call.headers.get("X-Auth-Token")
        if authorization is not None:
            return self._signed(call, authorization)
        if token is not None:
            return self._by_token(call, token)
        raise self._unauthorised(_WRONG, "no credentials in the request")

    def _by_token(self, call: Call, text: str) -> Principal:
        token = self._identity.find(text)
        if token is None:
            raise self._unauthorised(_WRONG, "decrypt token fail")
        if not token.works_at(call.now_s):
            raise self._unauthorised(_RENEW, "The token must be updated.")
        project_id = token.project.id if token.project else None
        return Principal(kind="token", name=token.user.name, project_id=project_id)

    def _signed(self, call: Call, authorization: str) -> Principal:
        if len(call.body) > self._options.signed_body_limit_bytes:
            raise self._unauthorised(_WRONG, "calc aksk signature fail:body too large")
        try:
            claim = parse_authorization(authorization)
            self._check_signature(call, claim)
        except BadSignatureError as error:
            raise self._unauthorised(_WRONG, str(error)) from error
        project_id = call.headers.get("X-Project-Id") or self._options.project_id
        return Principal(kind="signature", name=claim.access, project_id=project_id)

    def _check_signature(self, call: Call, claim: Claim) -> None:
        key = self._identity.find_key(claim.access)
        if key is None:
            raise self._unauthorised(_WRONG, f"ak {claim.access} not exist")
        skew_s = abs(call.gateway_now_s - signed_at_s(call.headers))
        if skew_s > self._options.signature_skew_s:
            raise self._unauthorised(_WRONG, "Signature expired")
        if key.security_token != call.headers.get("X-Security-Token"):
            raise self._unauthorised(_WRONG, "security token is missing or wrong")
        if key.expires_at_s is not None and call.now_s >= key.expires_at_s:
            raise self._unauthorised(_WRONG, "security token expired")
        request = SignedRequest(
            method=call.method,
            raw_path=call.raw_path,
            raw_query=call.raw_query,
            headers=call.headers,
            body=call.body,
        )
        verify(request, claim, key.secret)

    def _objects(self, call: Call) -> Principal:
        if self._options.object_access == "open":
            return NOBODY
        return verify_object_request(call, self._identity, self._options)

    # -- where ----------------------------------------------------------------

    def _check_project(self, call: Call) -> None:
        own_id = self._options.project_id
        project_id = call.principal.project_id
        if project_id != own_id:
            if call.principal.kind == "signature":
                message = "The project does not match the credentials."
                raise gateway(403, f"{self._prefix}.0310", message)
            raise self._unauthorised(_RENEW, "The token must be updated.")
        if call.params.get("project_id", own_id) != own_id:
            raise ims(Img.PROJECT, "The project id does not match the token.")

    # -- how often ------------------------------------------------------------

    def _throttle(self, call: Call) -> None:
        for number, limit in enumerate(self._options.rate_limits):
            if limit.routes and call.route.name not in limit.routes:
                continue
            who = call.principal.name if limit.scope == "user" else call.peer
            bucket = self._buckets.setdefault(
                (number, who, call.route.name), _Bucket(limit, call.now_s)
            )
            wait_s = bucket.take(call.now_s)
            if wait_s > 0:
                raise self._throttled(limit, wait_s)

    def _throttled(self, limit: RateLimit, wait_s: float) -> Refusal:
        size_s, unit = next(u for u in _UNITS if limit.window_s % u[0] == 0)
        message = (
            "The throttling threshold has been reached: "
            f"policy {limit.scope} over ratelimit,"
            f"limit:{limit.limit},time:{limit.window_s // size_s} {unit}"
        )
        headers: Mapping[str, str] = {}
        if limit.retry_after:
            headers = {"Retry-After": str(int(wait_s) + 1)}
        return gateway(429, f"{self._prefix}.0308", message, headers)

    def _unauthorised(self, number: str, message: str) -> Refusal:
        head = "" if number == _RENEW else "Incorrect IAM authentication information: "
        return gateway(401, f"{self._prefix}.{number}", head + message)


class _Bucket:
    """A token bucket in service time."""

    def __init__(self, limit: RateLimit, now_s: float) -> None:
        self._limit = limit
        self._left = float(limit.limit)
        self._since_s = now_s

    def take(self, now_s: float) -> float:
        """Take one; return 0, or the seconds until one would be left."""
        rate = self._limit.limit / self._limit.window_s
        refilled = self._left + (now_s - self._since_s) * rate
        self._left = min(refilled, float(self._limit.limit))
        self._since_s = now_s
        if self._left >= 1:
            self._left -= 1
            return 0.0
        wait_s = (1 - self._left) / rate
        if self._limit.counts_rejected:
            # Going on knocking keeps the door shut, down to a full window.
            self._left = max(self._left - 1, -float(self._limit.limit))
        return wait_s
