"""From a service that gives no good answer to what to do about it.

Decides: which topic a fault of the way belongs to, its remedy and its exit code. Must
not know: files, credentials, requests.
"""

from __future__ import annotations

from batch_register.doctor.findings import Finding, State, Topic
from batch_register.model import Fault, FaultKind

NOT_ALLOWED = frozenset({FaultKind.FORBIDDEN, FaultKind.UNAUTHENTICATED})


def code_of(fault: Fault) -> int:
    """Return the exit code that a fault amounts to."""
    return 77 if fault.kind in NOT_ALLOWED else 69


def list_refused(
    fault: Fault, project_id: str, *, login_advice: str, address: str
) -> Finding:
    """Return what follows from a list that could not be had.

    `login_advice`: what to do where the credentials are refused; `address`: what gave
    the service's, so what to check where nothing good answers there.
    """
    match fault.kind:
        case FaultKind.UNAUTHENTICATED:
            topic, advice = Topic.LOGIN, login_advice
        case FaultKind.FORBIDDEN:
            topic = Topic.RIGHT
            advice = (
                "the account's administrator: grant this user the right to list "
                f"images (ims:images:list) in project {project_id}"
            )
        case _:
            topic, advice = Topic.ENDPOINT, reach_advice(fault, address)
    return Finding(
        topic=topic,
        state=State.PROBLEM,
        seen=fault.sentence(),
        advice=advice,
        exit_code=code_of(fault),
    )


def reach_advice(fault: Fault, address: str) -> str:
    """Return what to do about a service that gives no good answer."""
    if fault.code in _WAYS:
        return _WAYS[fault.code]
    match fault.kind:
        case FaultKind.UNREACHABLE | FaultKind.LOST:
            return f"check {address}, the network, the firewall and the proxy"
        case FaultKind.THROTTLED | FaultKind.SERVER | FaultKind.BUSY:
            return "try again in a few minutes; ask the provider if it stays so"
        case _:
            return f"check {address}: something else may answer there"


_WAYS = {
    "transport.tls": (
        "correct the address, or set cacert to the authority that signed the "
        "service's certificate"
    ),
    "transport.tls-authority": (
        "set cacert to the authority that signed the service's certificate"
    ),
    "transport.tls-client": (
        "set cert and key to a client certificate that this service accepts"
    ),
    "transport.tls-expired": (
        "check this machine's clock; if it is right, the provider must renew the "
        "certificate"
    ),
    "transport.tls-name": (
        "check auth_url and the endpoint overrides; if they are right, the provider "
        "must mend the certificate"
    ),
    "transport.proxy": "check http_proxy, https_proxy and no_proxy, and the proxy",
    "transport.dns": "correct the host of that address, or check this machine's DNS",
}
