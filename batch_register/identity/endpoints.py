"""Where the image service is.

Decides: the order in which an address is looked for, and how one is trimmed to what all
paths start from. Must not know: requests, sockets.
"""

from __future__ import annotations

import re

from batch_register.errors import SettingsError
from batch_register.identity.cloud import Cloud
from batch_register.identity.entry_keys import is_plain_url
from batch_register.identity.session import Endpoint

# Types under which catalogues list it; the host is the same for all of one cloud.
_SERVICE_TYPES = ("image", "ims", "imsv2")
_VERSION = re.compile(r"/v[0-9][0-9.]*$")


def resolve_endpoint(
    cloud: Cloud, catalog: tuple[Endpoint, ...], *, fallback: str | None = None
) -> str:
    """Return the address of the image service, without a version or a last slash.

    An override comes first, then the token's catalogue, then `fallback`.

    Raises:
        SettingsError: none of them gives exactly one.
    """
    told = cloud.image_endpoint or cloud.ims_endpoint
    found = told or _from_catalog(cloud, catalog) or fallback
    if found and not is_plain_url(found):  # not quoted: it may hold a login
        message = f"{cloud.source}: the catalogue's image service has no plain address"
        raise SettingsError(message, hint="set image_endpoint_override")
    if not found:
        message = f"{cloud.source}: no address of an image service is known"
        hint = "set image_endpoint_override, or region_name and ims_profile"
        raise SettingsError(message, hint=hint)
    return _VERSION.sub("", found.rstrip("/"))


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
