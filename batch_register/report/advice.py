"""What to do about an entry, in one sentence, and who does it.

Decides: the words for every action, narrowed by what went wrong. Must not know: rows,
forms, where an action came from.
"""

from __future__ import annotations

from batch_register.model import Action, Fault, FaultKind

_RUN_AGAIN = (
    "Whoever runs the batch: run the same command again; it goes on where it stopped."
)

# The first row that fits: action and kind, else the action alone.
_ADVICE: dict[tuple[Action, FaultKind | None], str] = {
    (Action.NONE, None): "Nobody: nothing is to be done.",
    (Action.WAIT, None): (
        "Nobody yet: the cloud is still at work; the next run looks again."
    ),
    (Action.WAIT, FaultKind.THROTTLED): (
        "Whoever runs the batch: run again later, or with a lower --max-rate."
    ),
    (Action.WAIT, FaultKind.BUSY): (
        "Whoever runs the batch: run again later, or with a lower --concurrency."
    ),
    (Action.RUN_AGAIN, None): _RUN_AGAIN,
    (Action.RUN_AGAIN, FaultKind.DEADLINE): (
        "Whoever runs the batch: run the same command again; if this comes back, "
        "raise --image-deadline."
    ),
    (Action.RUN_AGAIN, FaultKind.UNREACHABLE): (
        "Whoever runs the batch: check network, proxy and endpoint, then run again."
    ),
    (Action.FIX_MANIFEST, None): (
        "The manifest's author: correct this entry, then run again."
    ),
    (Action.FIX_MANIFEST, FaultKind.SPEC_CONFLICT): (
        "The manifest's author: take the change back, or give the changed entry a new "
        "key and a new name; the image that exists is left as it is."
    ),
    (Action.FIX_SOURCE, None): (
        "The disk file's owner: check that the file is in its place, readable, whole "
        "and of a supported format and size, then run again."
    ),
    (Action.RAISE_QUOTA, None): (
        "The project's administrator: raise the image quota or delete images that "
        "nobody needs, then run again."
    ),
    (Action.ASK_PERMISSION, None): (
        "The account's administrator: grant this user the missing right, then run "
        "again."
    ),
    (Action.ASK_PERMISSION, FaultKind.UNAUTHENTICATED): (
        "Whoever runs the batch: check the credentials, then run again."
    ),
    (Action.CONTACT_PROVIDER, None): (
        "Whoever runs the batch: open a ticket with the cloud's provider and quote the "
        "code, the request id and the image id."
    ),
}

# Kinds that are too coarse: what helps depends on the code.
_ADVICE_BY_CODE: dict[str, str] = {
    "renamed-key": (
        "The manifest's author: give the entry its former key back, or delete that "
        "image if a fresh one is wanted; then run again."
    ),
    "source.changed": (
        "The disk file's owner: put the former object or file back, or have the manifest's "
        "author give the entry a new key and a new name (and a file that is uploaded "
        "another object) to make an image of the new one. Where the image that exists is "
        "right as it is: run with --accept-sources and --select."
    ),
    "transport.tls-authority": (
        "Whoever runs the batch: set cacert to the file with that authority's "
        "certificate, then run again."
    ),
    "transport.tls-client": (
        "Whoever runs the batch: set cert and key to a client certificate that this "
        "server accepts, then run again."
    ),
    "transport.tls-expired": (
        "Whoever runs the batch: check this machine's clock; if it is right, the "
        "provider must renew the certificate."
    ),
    "transport.tls-name": (
        "Whoever runs the batch: check auth_url and the endpoint overrides; if they "
        "are right, the provider must mend the certificate."
    ),
    "spec-conflict": (
        "The manifest's author: take the change back, or delete the image that is in "
        "the way; then run again."
    ),
}


def advice(action: Action, fault: Fault | None = None) -> str:
    """Return who must do what, as one sentence."""
    if fault is not None and fault.code in _ADVICE_BY_CODE:
        return _ADVICE_BY_CODE[fault.code]
    kind = fault.kind if fault is not None else None
    return _ADVICE.get((action, kind)) or _ADVICE[action, None]
