"""`{shard}` in the name of a file: one setting for all shards, a file for each.

Decides: what it stands for, and that it stands for nothing without a shard. Must not
know: which settings name files, what is in the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from batch_register.errors import SettingsError
from batch_register.shard import Shard

PLACEHOLDER = "{shard}"


def named_for_shard(values: Mapping[str, object]) -> dict[str, object]:
    """Return settings by field name, with the shard put into the paths among them.

    `night.{shard}.html` becomes `night.0-of-4.html`.

    Raises:
        SettingsError: a path has a place for a shard, and there is none.
    """
    shard = values.get("shard")
    named: dict[str, object] = dict(values)
    for name, value in values.items():
        if not isinstance(value, Path) or PLACEHOLDER not in str(value):
            continue
        if not isinstance(shard, Shard):
            message = (
                f"{name} {value}: {PLACEHOLDER} stands for nothing without --shard"
            )
            hint = "add --shard (BATCH_REGISTER_SHARD), or write the file's whole name"
            raise SettingsError(message, hint=hint)
        named[name] = Path(str(value).replace(PLACEHOLDER, shard.file_word))
    return named
