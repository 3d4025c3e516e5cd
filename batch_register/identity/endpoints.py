"""Where the image service is, and where a catalogue has an object store.

Decides: the order in which an address is looked for, and how one is trimmed to what all
paths start from. Must not know: requests, sockets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from batch_register.errors import SettingsError
from batch_register.identity.cloud import Cloud
from batch_register.identity.entry_keys import is_plain_url
from batch_register.identity.session import Endpoint

# Types under which catalogues list it; the host is the same for all of one cloud.
_SERVICE_TYPES = ("image", "ims", "imsv2")
# Types of stores that S3 clients can talk to: OBS's own, and what OpenStack calls one.
_STORE_TYPES = ("object", "s3")
# Swift's type, under which some clouds list OBS; its host tells.
_SWIFT_TYPE = "object-store"
_STORE_HOST = re.compile(r"(obs|oss)(v[0-9]+)?\.")
_VERSION = re.compile(r"/v[0-9][0-9.]*$")


class Whence(StrEnum):
    """Who gave an address."""

    OVERRIDE = "override"  # a key of the cloud's entry
    CATALOGUE = "catalogue"  # the token's
    PROFILE = "profile"  # what the profile makes of the region


@dataclass(frozen=True, slots=True)
class Located:
    """An address without a version or a last slash, and who gave it."""

    url: str
    whence: Whence


def locate_endpoint(
    cloud: Cloud, catalog: tuple[Endpoint, ...], *, fallback: str | None = None
) -> Located:
    """Return where the image service is.

    An override comes first, then the token's catalogue, then `fallback`.

    Raises:
        SettingsError: none of them gives exactly one.
    """
    told = cloud.image_endpoint or cloud.ims_endpoint
    if told:
        return _located(cloud, told, Whence.OVERRIDE)
    if listed := _from_catalog(cloud, catalog):
        return _located(cloud, listed, Whence.CATALOGUE)
    if fallback:
        return _located(cloud, fallback, Whence.PROFILE)
    raise _nowhere(cloud, catalog)


def image_regions(catalog: tuple[Endpoint, ...]) -> tuple[str, ...]:
    """Return the regions in which a catalogue has an image service, sorted."""
    return tuple(
        sorted(
            {e.region for e in catalog if e.service_type in _SERVICE_TYPES and e.region}
        )
    )


def listed_store(cloud: Cloud, catalog: tuple[Endpoint, ...]) -> str | None:
    """Return the address of the region's object store, None where there is none.

    What Swift alone can be asked for is none. The path is a tenant's or a version's.
    """
    for service_type in (*_STORE_TYPES, _SWIFT_TYPE):
        fitting = [
            endpoint
            for endpoint in catalog
            if endpoint.service_type == service_type
            and endpoint.interface == cloud.interface
            and endpoint.region in (cloud.region_name, "*")
            and is_plain_url(endpoint.url)
        ]
        for endpoint in fitting:
            parts = urlsplit(endpoint.url)
            is_obs = _STORE_HOST.match(parts.hostname or "") is not None
            if service_type != _SWIFT_TYPE or is_obs:
                return f"{parts.scheme}://{parts.netloc}"
    return None


def _located(cloud: Cloud, found: str, whence: Whence) -> Located:
    if not is_plain_url(found):  # not quoted: it may hold a login
        message = f"{cloud.source}: the catalogue's image service has no plain address"
        raise SettingsError(message, hint="set image_endpoint_override")
    return Located(_VERSION.sub("", found.rstrip("/")), whence)


def _nowhere(cloud: Cloud, catalog: tuple[Endpoint, ...]) -> SettingsError:
    """Return the error; a mistyped region is told by those that there are."""
    regions = image_regions(catalog)
    if cloud.region_name and regions:
        message = (
            f"{cloud.source}: the catalogue has no image service in region "
            f"{cloud.region_name!r}"
        )
        hint = f"set region_name (or --region) to one of: {', '.join(regions)}"
        return SettingsError(message, hint=hint)
    if cloud.region_name and cloud.ims_profile:
        message = (
            f"{cloud.source}: profile {cloud.ims_profile!r} knows no address of an "
            f"image service in region {cloud.region_name!r}"
        )
        hint = "correct region_name (or --region), or set image_endpoint_override"
        return SettingsError(message, hint=hint)
    message = f"{cloud.source}: no address of an image service is known"
    hint = "set image_endpoint_override, or region_name and ims_profile"
    return SettingsError(message, hint=hint)


def _from_catalog(cloud: Cloud, catalog: tuple[Endpoint, ...]) -> str | None:
    for service_type in _SERVICE_TYPES:
        fitting = [
            endpoint
            for endpoint in catalog
            if endpoint.service_type == service_type
            and endpoint.interface == cloud.interface
            and endpoint.url
        ]
        if fitting:
            return _of_region(cloud, fitting)
    return None


def _of_region(cloud: Cloud, fitting: list[Endpoint]) -> str | None:
    """Return the region's address; None where the catalogue has not got the region."""
    if cloud.region_name is None:
        regions = sorted({endpoint.region for endpoint in fitting})
        if len(regions) > 1:
            message = f"{cloud.source}: the image service is in several regions"
            hint = f"set region_name to one of: {', '.join(regions)}"
            raise SettingsError(message, hint=hint)
        return fitting[0].url
    # "*" is how an IAM lists a service that is not tied to a region.
    own = [e for e in fitting if e.region == cloud.region_name]
    anywhere = [e for e in fitting if e.region == "*"]
    return next((endpoint.url for endpoint in own + anywhere), None)
