"""Where one image can stand, and what to do next: stages and commands.

Decides: which facts each stage holds, so that what must be known is known. Must not
know: how one stage follows from another (that is `machine`).
"""

from __future__ import annotations

from dataclasses import dataclass

from batch_register.model import Fault, ImageId, JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Nothing of ours is in the cloud; `fault` is why the last try ended early."""

    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Creating:
    """A create may be under way: the intent is durable, the result is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """The image metadata exists, no file was registered."""

    image_id: ImageId
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registering:
    """A register may be under way: the intent is durable, the result is not."""

    image_id: ImageId


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The service took the file on; `job_id` is None where its answer was lost."""

    image_id: ImageId
    job_id: JobId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacing:
    """A dead shell has to go before a fresh one is made."""

    image_id: ImageId
    job_id: JobId | None = None  # of the failed attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Active:
    """The image is active and holds data."""

    image_id: ImageId
    job_id: JobId | None
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Proven not to succeed as it is.

    `shell_reusable`: its image can still be used; `shell_dead`: a job has proven that
    it never will be.
    """

    fault: Fault
    image_id: ImageId | None = None
    job_id: JobId | None = None
    shell_reusable: bool = False
    shell_dead: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Neither success nor failure is proven; `was` is where the next run goes on."""

    fault: Fault
    was: Planned | Creating | Created | Registering | Registered | Replacing


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """Held back because the image quota has no room."""

    fault: Fault


Stage = (
    Planned
    | Creating
    | Created
    | Registering
    | Registered
    | Replacing
    | Active
    | Failed
    | Unknown
    | Deferred
)


@dataclass(frozen=True, slots=True)
class CreateImage:
    """Create the image metadata; its intent must be durable first."""


@dataclass(frozen=True, slots=True)
class FindImage:
    """Look for an image that carries this entry's tag."""


@dataclass(frozen=True, slots=True)
class RegisterImage:
    """Register the source file; its intent must be durable first."""

    image_id: ImageId


@dataclass(frozen=True, slots=True)
class InspectImage:
    """Look whether the image has taken a file on."""

    image_id: ImageId


@dataclass(frozen=True, slots=True)
class WatchImage:
    """Wait until the image is active, failed, or overdue."""

    image_id: ImageId
    job_id: JobId | None


@dataclass(frozen=True, slots=True)
class DeleteShell:
    """Delete a dead shell, if it is ours and really dead."""

    image_id: ImageId


Command = (
    CreateImage | FindImage | RegisterImage | InspectImage | WatchImage | DeleteShell
)
