"""`validate`: what is wrong with a manifest, without any cloud.

Decides: how the verdict is shown. Must not know: the rules.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from batch_register.cli import stdout
from batch_register.errors import ManifestError, ManifestProblem, SettingsError
from batch_register.ims.profile import PROFILES, Profile, check_spec
from batch_register.manifest import load_manifest
from batch_register.model import Manifest


@click.command("validate")
@click.argument("manifest", type=click.Path(path_type=Path))
@click.option(
    "--cloud-profile",
    type=click.Choice(sorted(PROFILES)),
    help="Check against the limits of this kind of cloud too.",
)
@click.option(
    "--cloud",
    metavar="NAME",
    help="The same for this entry of clouds.yaml, its overrides included.",
)
@click.option(
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For a person, or for a program.",
)
def command(
    manifest: Path, cloud_profile: str | None, cloud: str | None, output: str
) -> int:
    """Check MANIFEST without any cloud, and name every mistake.

    Ends with 0 where there is none, and with 65 otherwise.
    """
    profile = _profile(cloud_profile, cloud)
    try:
        checked = load_manifest(manifest)
        if profile is not None:
            _check_profile(manifest, checked, profile)
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
        count = len(checked.images)
        stdout.write(f"OK: {count} image{'' if count == 1 else 's'}\n")
    return 0


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
    return {
        "version": 1,
        "path": str(path),
        "valid": manifest is not None,
        "name": None if manifest is None else manifest.name,
        "images": None if manifest is None else len(manifest.images),
        "problems": [dataclasses.asdict(problem) for problem in problems],
    }
