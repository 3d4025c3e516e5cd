"""One entry out of its layers: a vendor's profile, its own keys, its region's.

Decides: which layer wins, and which region counts. Must not know: files, what a key
means for a login. Source: openstacksdk, "Vendor Support" and "Configuring OpenStack SDK
Applications" ("Per-region settings").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from batch_register.errors import SettingsError

Entry = Mapping[str, object]

# The profiles of Huawei-style clouds that openstacksdk brings along, as far as their
# keys mean something here; otc-swiss's auth_url has no scheme there.
SHIPPED: Mapping[str, Entry] = {
    "otc": {
        "auth": {"auth_url": "https://iam.{region_name}.otc.t-systems.com/v3"},
        "regions": ["eu-de", "eu-nl"],
    },
    "otc-swiss": {
        "auth": {"auth_url": "https://iam-pub.eu-ch2.sc.otc.t-systems.com/v3"},
        "regions": ["eu-ch2"],
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layered:
    """One flat entry, but for `auth`, and the region that counts."""

    entry: Entry
    region_name: str | None


def profile_name(entry: Entry) -> object:
    """Return the vendor profile that an entry builds on; None where it has none."""
    return entry.get("profile") or entry.get("cloud") or None


def layered(own: Entry, profile: Entry, *, wanted: str | None, source: str) -> Layered:
    """Return the entry with its profile below it and its region's settings above it.

    The region is `wanted`, else the entry's, else the first of a list.

    Raises:
        SettingsError: the wanted region is not in the list, or the list is no list.
    """
    own, profile = _normal(own), _normal(profile)
    regions = _Regions(own, profile, source)
    name = regions.choose(wanted)
    merged = over(_plain(profile), _plain(own))
    merged = over(merged, regions.values.get(name or "", {}))
    return Layered(entry={**merged, "region_name": name}, region_name=name)


def over(base: Entry, upper: Entry) -> Entry:
    """Return both as one: the upper wins, key by key also within `auth`."""
    merged = {**base, **upper}
    below, above = base.get("auth"), upper.get("auth")
    if isinstance(below, Mapping) and (isinstance(above, Mapping) or above is None):
        merged["auth"] = {**below, **(above or {})}
    return merged


def _normal(entry: Entry) -> Entry:
    return {str(key).replace("-", "_"): value for key, value in entry.items()}


def _plain(entry: Entry) -> Entry:
    return {key: value for key, value in entry.items() if key not in _LAYER_KEYS}


_LAYER_KEYS = frozenset({"profile", "cloud", "regions"})


class _Regions:
    """The regions of an entry: names in order, and what each of them changes."""

    def __init__(self, own: Entry, profile: Entry, source: str) -> None:
        self._source = source
        self._own_name = self._name(own.get("region_name"))
        # A profile's regions count only where the entry itself names none.
        listing: object = own.get("regions")
        if not listing and self._own_name is None:
            listing = profile.get("regions")
        told = self._name(profile.get("region_name"))
        self._fallback = None if listing else (self._own_name or told)
        self.values: dict[str, Entry] = {}
        if listing is not None and not isinstance(listing, list):
            self._refuse("regions is not a list", "write one region per line")
        for item in listing or []:
            self._take(item)

    def choose(self, wanted: str | None) -> str | None:
        names = list(self.values)
        if wanted is not None:
            if names and wanted not in names:
                self._refuse(f"regions has no {wanted!r}", f"use one of {names}")
            return wanted
        if not names:
            return self._fallback
        if self._own_name not in (None, names[0]):
            # openstacksdk takes the list's first then, which nobody expects.
            hint = f"take region_name out, or choose with --region: {names}"
            self._refuse("both region_name and regions are given", hint)
        return names[0]

    def _take(self, item: object) -> None:
        values: object = {}
        name: object = item
        if isinstance(item, Mapping):
            if "name" not in item or not set(item) <= {"name", "values"}:
                hint = "give each region a name and, where it needs some, values"
                self._refuse("regions holds an entry of another form", hint)
            name, values = item["name"], item.get("values") or {}
        if not isinstance(name, str) or not isinstance(values, Mapping):
            self._refuse("regions holds an entry of another form", "list their names")
        self.values[name] = _normal(values)

    def _name(self, told: object) -> str | None:
        if told is None or told == "":
            return None
        if not isinstance(told, str) or "," in told:
            self._refuse("region_name names several regions", "name one")
        return told.strip()

    def _refuse(self, problem: str, hint: str) -> NoReturn:
        message = f"{self._source}: {problem}"
        raise SettingsError(message, hint=hint)
