"""What `scan` is asked for beside its source, checked.

Decides: which texts of the command line no manifest takes. Must not know: where images
are found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from batch_register.errors import SettingsError
from batch_register.ims.profile import Profile
from batch_register.manifest.rules import (
    BUCKET_PATTERN,
    MANIFEST_NAME_PATTERN,
    RULES,
    TEXT_PATTERN,
)
from batch_register.scan.catalogue import known
from batch_register.scan.fitting import Wishes
from batch_register.scan.naming import manifest_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line asks for; the texts are not checked yet."""

    file: Path | None = None
    may_replace: bool = False
    name: str | None = None
    os_version: str | None = None
    bucket: str | None = None
    object_pattern: str | None = None
    source_pattern: str | None = None
    chosen: tuple[str, ...] = ()

    def check(self) -> None:
        """Refuse texts that no manifest takes.

        Raises:
            SettingsError: names the flag, and what it must be.
        """
        _check_text("--name", self.name, MANIFEST_NAME_PATTERN, "manifest name")
        _check_text("--os-version", self.os_version, TEXT_PATTERN, "os_version")
        _check_text("--bucket", self.bucket, BUCKET_PATTERN, "bucket")

    def name_or(self, origin: str) -> str:
        """Return the manifest's name: the given one, its file's, or made of `origin`.

        It identifies a batch for ever, and nobody gives two batches one file.
        """
        return self.name or manifest_name(self.file.stem if self.file else origin)

    @property
    def for_tables_only(self) -> tuple[str, ...]:
        """Return the given flags that mean nothing to a bucket."""
        flags = {
            "--bucket": self.bucket,
            "--object": self.object_pattern,
            "--source": self.source_pattern,
            "--map": self.chosen or None,
        }
        return tuple(flag for flag, value in flags.items() if value is not None)


def _check_text(flag: str, text: str | None, pattern: str, rule: str) -> None:
    if text is not None and not re.fullmatch(pattern, text):
        message = f"{flag} {text!r}: {RULES[rule].must}"
        raise SettingsError(message)


def wishes_for(profile: Profile, wanted: Wanted, bucket: str | None) -> Wishes:
    """Return what holds for all images.

    Raises:
        SettingsError: the cloud takes nothing from buckets.
    """
    if profile.fetches_from_web:
        message = f"the {profile.name} profile has no buckets, and takes web addresses"
        raise SettingsError(message, hint="write the manifest with `source_url`")
    os_version = wanted.os_version
    if os_version is not None:
        os_version = known(os_version) or os_version
    return Wishes(profile=profile, bucket=bucket, os_version=os_version)


def wish_warnings(wishes: Wishes) -> Iterator[str]:
    """Yield what a person should check of what holds for all images."""
    if wishes.os_version is not None and known(wishes.os_version) is None:
        yield (
            f'"{wishes.os_version}" is no os_version of the documented catalogue: the '
            "cloud's own list says whether it knows it"
        )


def defaults_of(wishes: Wishes) -> dict[str, str]:
    """Return what the manifest says once for all images."""
    told = {"bucket": wishes.bucket, "os_version": wishes.os_version}
    return {name: value for name, value in told.items() if value is not None}
