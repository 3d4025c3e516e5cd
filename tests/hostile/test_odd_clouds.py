"""Clouds that lack a call or a filter, or whose lists lag: the run ends right.

And the log says once which way it took.
"""

from __future__ import annotations

from typing import Any

import pytest

from batch_register.cli.remembered import remembered_tasks
from batch_register.ledger import read_ledger
from tests.hostile.conftest import Stage

pytestmark = pytest.mark.integration

MISSING = """\
rules:
  - match: {route: %s}
    effect: {status: 404, body: gateway, code: APIGW.0101, message: The API does not exist.}
"""
SLOW = {"job_running_range_s": (600.0, 900.0)}  # of service time: 0.6 to 0.9 s


def is_right(stage: Stage, flags: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Run the manifest, see that all is well, and return what the log says of ways."""
    ended = stage.run(*flags)
    assert ended.code == 0, ended.err
    assert set(ended.states.values()) == {"active"}
    assert stage.made() == [1, 1, 1, 1]
    again = stage.run(*flags)
    assert again.code == 0, again.err
    assert stage.made() == [1, 1, 1, 1]
    return [
        line
        for name in ("cloud.lacks_call", "watch.goes_without_tags")
        for line in ended.events(name)
    ]


@pytest.mark.parametrize("options", [SLOW | {"tag_filter": "matches_nothing"}])
def test_where_tags_find_nothing_one_list_by_age_does(stage: Stage) -> None:
    (line,) = is_right(stage)
    assert line["event"] == "watch.goes_without_tags"


@pytest.mark.parametrize(
    "options",
    [
        SLOW | {"tag_filter": "ignored"},
        SLOW | {"list_create_lag_s": 100.0, "list_status_lag_s": 300.0},
        SLOW | {"list_delete_lag_s": 300.0, "job_get_lag_s": 300.0},
        SLOW | {"get_create_lag_s": 50.0},
        SLOW | {"page_info": True, "unknown_filters": "ignored"},
    ],
    ids=["tags ignored", "lists lag", "deletes and jobs lag", "gets lag", "pages"],
)
def test_what_only_lags_or_shows_too_much_needs_no_other_way(stage: Stage) -> None:
    assert is_right(stage) == []


@pytest.mark.parametrize("options", [SLOW])
def test_where_one_list_call_is_missing_the_other_one_serves(stage: Stage) -> None:
    stage.use_faults(MISSING % "cloudimage.list")
    (line,) = is_right(stage)
    assert (line["missing"], line["instead"]) == ("extension list", "native list")
    calls = stage.audit()["by_route"]
    assert calls["cloudimage.list"] == 1
    assert calls["image.list"] > 4


def test_where_the_progress_call_is_missing_the_other_one_tells_of_jobs(
    stage: Stage,
) -> None:
    stage.entry["ims_profile"] = "huawei"  # which goes by progress; this cloud has none
    stage.use_faults("jobs: [{object: '*:web-?.qcow2', code: IMG.1075}]")
    ended = stage.run()
    assert ended.code == 3, ended.err
    assert {row["error"]["code"] for row in ended.rows.values()} == {"IMG.1075"}
    (line,) = ended.events("cloud.lacks_call")
    assert (line["missing"], line["instead"]) == ("job progress", "job of the project")


def test_an_override_of_the_profile_decides_which_job_call_is_tried_first(
    stage: Stage,
) -> None:
    stage.entry["ims_profile_overrides"] = {"job_call": "progress"}
    stage.use_faults("jobs: [{object: '*:web-?.qcow2', code: IMG.1075}]")
    ended = stage.run()
    assert ended.code == 3, ended.err
    (line,) = ended.events("cloud.lacks_call")
    assert (line["missing"], line["instead"]) == ("job progress", "job of the project")


@pytest.mark.parametrize("options", [SLOW])
@pytest.mark.parametrize("overrides", [{}, {"task_limit": "1"}])
def test_a_run_begins_with_the_task_limit_that_it_is_told_and_learns_beyond_it(
    stage: Stage, overrides: dict[str, str]
) -> None:
    """A limit that nobody told is not known until a register is refused for it."""
    stage.entry["ims_profile_overrides"] = overrides
    ended = stage.run()
    assert ended.code == 0, ended.err
    learned = read_ledger(stage.folder / "wave-07.ledger.jsonl").observations
    assert ("task_limit" in learned) is bool(overrides)
    if overrides:
        assert (remembered_tasks(learned) or 0) > 1


def test_a_wrong_override_ends_before_anything_is_made(stage: Stage) -> None:
    stage.entry["ims_profile_overrides"] = {"task_limit": "many"}
    ended = stage.run()
    assert ended.code == 2
    assert "ims_profile_overrides.task_limit" in ended.err
    assert stage.audit()["writes"] == 0
