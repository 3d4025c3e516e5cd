"""QED, QEMU's enhanced disk format.

Source: QEMU, docs/interop/qed_spec. All numbers are little endian.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from functools import partial
from typing import Final

from batch_register.inspection.clauses import damaged, judged, needs
from batch_register.inspection.tables import BlockTable, truncation
from batch_register.inspection.window import Window
from batch_register.source import DiskFormat, Inspection

_BACKING_FILE: Final = 1 << 0
_KNOWN: Final = (1 << 3) - 1
_SMALLEST_CLUSTER: Final = 1 << 12
_LONGEST_NAME: Final = 1023  # bytes


async def read_qed(window: Window) -> Inspection:
    """Tell of a QED; raises CutOffError where its header is not whole."""
    found = struct.unpack("<4sIIIQQQQQII", await window.whole(0, 64))
    _, cluster_bytes, table_clusters, _, features, _, _, l1_offset, size = found[:9]
    backing = ""
    if features & _BACKING_FILE:
        name = await window.at(found[9], min(found[10], _LONGEST_NAME))
        backing = needs("the backing file", name.decode(errors="replace"))
    l2_table = partial(
        BlockTable, length_bytes=cluster_bytes * table_clusters, layout="<Q", place=int
    )
    l1_table = replace(l2_table(offset=l1_offset), below=lambda at: l2_table(offset=at))
    problem = (
        backing
        or _unknown(features & ~_KNOWN)
        or _misshapen(cluster_bytes, table_clusters, size)
        or await truncation(window, l1_table)
    )
    return judged(DiskFormat.QED, size, problem)


def _unknown(features: int) -> str:
    return f"its QED features {features:#x} are unknown" if features else ""


def _misshapen(cluster_bytes: int, table_clusters: int, size: int) -> str:
    if cluster_bytes < _SMALLEST_CLUSTER or cluster_bytes & (cluster_bytes - 1):
        return damaged(f"clusters of {cluster_bytes} bytes")
    entries = cluster_bytes * table_clusters // 8
    if entries * entries * cluster_bytes < size:
        return damaged(f"its tables are too short for {size} bytes")
    return ""
