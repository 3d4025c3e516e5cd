"""How many connections fit into the open files that the system allows."""

from __future__ import annotations

import resource

import pytest

from batch_register.transport.sockets import open_files_limit, pool_size


@pytest.mark.fault(40)
@pytest.mark.parametrize(
    ("wanted", "open_files", "ends_here", "size"),
    [
        (208, None, False, 208),
        (208, 1024, False, 208),
        (208, 64, False, 10),
        (208, 64, True, 5),
        (9, 64, False, 9),
        (208, 8, False, 1),
    ],
)
def test_both_pools_together_leave_room_for_other_files(
    wanted: int, open_files: int | None, ends_here: bool, size: int
) -> None:
    assert pool_size(wanted, open_files, ends_here=ends_here) == size


def test_the_limit_is_that_of_this_process() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        assert open_files_limit() == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
