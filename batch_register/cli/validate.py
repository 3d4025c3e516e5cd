"""`validate`: what is wrong with a manifest, without any cloud.

Decides: how the verdict is shown. Must not know: the rules.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click

from batch_register.cli import candidates, stdout
from batch_register.cli.local_files import missing_files, note_text
from batch_register.cli.pages import Page
from batch_register.errors import ManifestError, ManifestProblem, SettingsError
from batch_register.ims.profile import PROFILES, Profile, check_spec
from batch_register.manifest import load_manifest
from batch_register.model import Manifest


@click.command(
    "validate",
    cls=Page,
    examples=(
        "validate wave.yaml",
        "validate wave.yaml --cloud my-cloud",
    ),
)
@click.argument(
    "manifest", type=click.Path(path_type=Path), shell_complete=candidates.manifests
)
@click.option(
    "--cloud-profile",
    type=click.Choice(sorted(PROFILES)),
    help="Check against the limits of this kind of cloud too.",
)
@click.option(
    "--cloud",
    metavar="NAME",
    shell_complete=candidates.clouds,
    help="The same for this entry of clouds.yaml, its overrides included.",
)
@click.option(
    "--watch",
    "is_watching",
    is_flag=True,
    help="Check again whenever the file changes, until interrupted.",
)
@click.option(
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For a person, or for a program.",
)
def command(
    manifest: Path,
    cloud_profile: str | None,
    cloud: str | None,
    output: str,
    *,
    is_watching: bool,
) -> int:
    """Check MANIFEST without any cloud, and name every mistake.

    A file to be uploaded that is not on this machine is only told. Ends with 0 where there is none, and with 65 otherwise; with --watch, with 130 when
    it is interrupted.
    """
    profile = _profile(cloud_profile, cloud)
    if is_watching:
        if output == "json":
            message = "--watch and --output json are both given"
            raise SettingsError(message, hint="call `validate --output json` each time")
        _watch(manifest, profile)
    try:
        checked = _checked(manifest, profile)
    except ManifestError as error:
        if output == "text":
            raise
        # Here and not above: most manifests are right.
        from batch_register.cli.failures import without_secrets  # noqa: PLC0415

        stdout.write_json(_verdict(manifest, None, without_secrets(error)))
        return error.exit_code
    if output == "json":
        stdout.write_json(_verdict(manifest, checked, ()))
    else:
        stdout.write(_praise(manifest, checked))
    return 0


def _checked(path: Path, profile: Profile | None) -> Manifest:
    """Return the manifest.

    Raises:
        SettingsError: the file cannot be read.
        ManifestError: its content is wrong, or beyond the limits of the profile.
    """
    manifest = load_manifest(path)
    if profile is not None:
        _check_profile(path, manifest, profile)
    return manifest


def _praise(path: Path, manifest: Manifest) -> str:
    count = len(manifest.images)
    notes = note_text(path, missing_files(manifest))
    return f"OK: {count} image{'' if count == 1 else 's'}\n{notes}"


def _watch(path: Path, profile: Profile | None) -> NoReturn:
    """Tell of the file on standard output, now and after every change of it.

    Raises:
        SettingsError: it is not there to begin with.
    """
    # Here and not above: a single check needs neither.
    from batch_register.cli.mistakes import mistakes_text  # noqa: PLC0415
    from batch_register.cli.watching import watch  # noqa: PLC0415

    def check() -> None:
        try:
            verdict = _praise(path, _checked(path, profile))
        except ManifestError as error:
            verdict = f"{mistakes_text(error, sys.stdout)}\n"
        except SettingsError as error:
            verdict = f"{error.message}\n"
        at = datetime.now(UTC).astimezone().strftime("%H:%M:%S")
        # Not `stdout.write`: a reader who has left ends this.
        click.echo(f"{at} {path}\n{verdict}")

    if not path.exists():
        load_manifest(path)  # says why it cannot be read
    watch(path, check, time.sleep)


def _profile(cloud_profile: str | None, cloud: str | None) -> Profile | None:
    """Return the profile to check against; nothing is asked of any cloud."""
    if cloud_profile is not None and cloud is not None:
        message = "--cloud-profile and --cloud are both given"
        raise SettingsError(message, hint="give one of them")
    if cloud is None:
        return None if cloud_profile is None else PROFILES[cloud_profile]
    # Here and not above: most checks need no clouds.yaml.
    from batch_register.cli.connection import named_profile  # noqa: PLC0415

    return named_profile(cloud)


def _check_profile(path: Path, manifest: Manifest, profile: Profile) -> None:
    """Raise ManifestError where an entry is beyond the limits of this profile."""
    problems = tuple(
        ManifestProblem(line=spec.line, column=1, message=message, entry=spec.key)
        for spec in manifest.images
        for message in check_spec(spec, profile)
    )
    if problems:
        raise ManifestError(str(path), problems)


def _verdict(
    path: Path, manifest: Manifest | None, problems: tuple[ManifestProblem, ...]
) -> dict[str, object]:
    notes = [] if manifest is None else missing_files(manifest)
    return {
        "version": 1,
        "path": str(path),
        "valid": manifest is not None,
        "name": None if manifest is None else manifest.name,
        "images": None if manifest is None else len(manifest.images),
        "problems": [dataclasses.asdict(problem) for problem in problems],
        "notes": [dataclasses.asdict(note) for note in notes],
    }
