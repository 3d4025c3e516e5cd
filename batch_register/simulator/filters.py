"""Filters of the two image lists: from query parameters to predicates.

Source: IMS API reference, "Querying images" in both editions of the list; operators on
times as documented, names matched exactly.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial

from batch_register.simulator.catalogue import facts_of
from batch_register.simulator.clock import parse_time
from batch_register.simulator.codes import Img
from batch_register.simulator.images import Image, ImageStatus
from batch_register.simulator.refusals import ims

Predicate = Callable[[Image, ImageStatus], bool]
Reader = Callable[[Image, ImageStatus], str]

_READERS: dict[str, Reader] = {
    "__isregistered": lambda _image, _status: "true",
    "__imagetype": lambda _image, _status: "private",
    "protected": lambda image, _status: str(image.protected).lower(),
    "visibility": lambda _image, _status: "private",
    "owner": lambda image, _status: image.owner,
    "id": lambda image, _status: image.id,
    "status": lambda _image, status: status,
    "name": lambda image, _status: image.name,
    "container_format": lambda _image, _status: "bare",
    "disk_format": lambda image, _status: image.disk_format,
    "min_ram": lambda image, _status: str(image.min_ram_mb),
    "min_disk": lambda image, _status: str(image.min_disk_gb),
    "__os_bit": lambda image, _status: facts_of(image.os_version).os_bit,
    "__platform": lambda image, _status: facts_of(image.os_version).platform,
    "__os_type": lambda image, _status: facts_of(image.os_version).os_type,
    "virtual_env_type": lambda _image, _status: "FusionCompute",
    "architecture": lambda _image, _status: "x86",
}
_BOOLEANS = frozenset({"protected", "__isregistered"})
_TIMES: dict[str, Callable[[Image], float]] = {
    "created_at": lambda image: image.created_s,
    "updated_at": lambda image: image.updated_s,
}
_OPERATORS: dict[str, Callable[[int, int], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
    "neq": operator.ne,
}
_BASIC = frozenset(_READERS) - {"virtual_env_type", "architecture"}
# Take part in paging or in the choice of candidates, not in the comparison.
_NOT_COMPARED = frozenset(
    {"limit", "marker", "sort_key", "sort_dir", "tag", "member_status"}
)
_ENTERPRISE_PROJECTS = frozenset({"0", "all_granted_eps"})
_WITH_IN = frozenset({"id", "name", "status"})


def predicate_of(
    name: str, value: str, *, extension_filters: frozenset[str], glance_in: bool
) -> Predicate | None:
    """Turn one query parameter into a predicate, or None where it is no filter.

    Raises:
        Refusal: a time that cannot be read.
        KeyError: the parameter is unknown to this list.
    """
    if name in _NOT_COMPARED:
        return None
    if name in _TIMES:
        return _time_predicate(name, value)
    if name == "enterprise_project_id" and name in extension_filters:
        return lambda _image, _status: value in _ENTERPRISE_PROJECTS
    if glance_in and name in _WITH_IN and value.startswith("in:"):
        return partial(_any_of, _READERS[name], frozenset(value[3:].split(",")))
    if name in _BASIC or (name in extension_filters and name in _READERS):
        wanted = value.lower() if name in _BOOLEANS else value
        return partial(_equal, _READERS[name], wanted)
    if name.startswith("__support_") or name in extension_filters:
        return partial(_equal_extra, name, value)
    raise KeyError(name)


def _equal(reader: Reader, wanted: str, image: Image, status: ImageStatus) -> bool:
    return reader(image, status) == wanted


def _any_of(
    reader: Reader, wanted: frozenset[str], image: Image, status: ImageStatus
) -> bool:
    return reader(image, status) in wanted


def _equal_extra(name: str, wanted: str, image: Image, _status: ImageStatus) -> bool:
    return image.extra.get(name) == wanted


def _time_predicate(name: str, value: str) -> Predicate:
    sign, _, text = value.partition(":")
    try:
        compare, moment_s = _OPERATORS[sign], int(parse_time(text))
    except (KeyError, ValueError) as error:
        raise ims(Img.MALFORMED, f"Invalid {name} filter {value!r}.") from error
    read = _TIMES[name]
    # Compared as shown: in whole seconds.
    return lambda image, _status: compare(int(read(image)), moment_s)
