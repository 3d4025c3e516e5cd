"""What is a problem, what a warning, and what a person is told to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_register.doctor import (
    PROBE,
    Capabilities,
    Finding,
    Findings,
    ProbeEnd,
    ProbeRecord,
    Sight,
    State,
    TagFilter,
    Topic,
    completed,
    exit_code,
)
from batch_register.doctor.judge import (
    Remembered,
    call_words,
    clock_finding,
    has_job_call,
    leftovers_finding,
    list_lag_finding,
    quota_finding,
    sight_findings,
    tags_finding,
    task_limit_finding,
)
from batch_register.doctor.reach import list_refused, reach_advice
from batch_register.doctor.verdict import probe_findings
from batch_register.model import (
    Action,
    Fault,
    FaultKind,
    ImageId,
    ImageStatus,
    ImageView,
    Quota,
)
from tests.fakes import fault

OK, WARNING, PROBLEM, OPEN = (
    State.OK,
    State.WARNING,
    State.PROBLEM,
    State.NOT_LOOKED_AT,
)


@pytest.mark.parametrize(
    ("skew_s", "signs", "state", "words"),
    [
        (None, True, OPEN, "no answer told the time"),
        (0.4, True, OK, "in step with"),
        (-3.2, False, OK, "3 s behind"),
        (59.6, True, OK, "60 s ahead of"),
        (61.0, True, WARNING, "61 s ahead of"),
        (150.0, True, WARNING, "2 minutes ahead of"),
        (-600.0, True, WARNING, "10 minutes behind"),
        (1200.0, True, PROBLEM, "20 minutes ahead of the service's; signatures"),
        (-1200.0, False, WARNING, "20 minutes behind the service's; access keys"),
    ],
)
def test_a_clock_is_a_problem_only_where_its_time_is_signed(
    skew_s: float | None, signs: bool, state: State, words: str
) -> None:
    finding = clock_finding(skew_s, signs=signs)
    assert finding.state is state
    assert words in finding.seen
    assert ("NTP" in finding.advice) is (state in (WARNING, PROBLEM))
    assert finding.exit_code == (77 if state is PROBLEM else 0)


@pytest.mark.parametrize(
    ("kind", "topic", "code", "words"),
    [
        (FaultKind.UNAUTHENTICATED, Topic.LOGIN, 77, "as told"),
        (FaultKind.FORBIDDEN, Topic.RIGHT, 77, "ims:images:list"),
        (FaultKind.UNREACHABLE, Topic.ENDPOINT, 69, "check the-key, the network"),
        (FaultKind.LOST, Topic.ENDPOINT, 69, "check the-key, the network"),
        (FaultKind.SERVER, Topic.ENDPOINT, 69, "try again"),
        (FaultKind.MISREAD, Topic.ENDPOINT, 69, "something else may answer"),
    ],
)
def test_a_list_that_is_refused_is_put_down_to_its_cause(
    kind: FaultKind, topic: Topic, code: int, words: str
) -> None:
    finding = list_refused(
        fault(kind), "p-1", login_advice="as told", address="the-key"
    )
    assert (finding.topic, finding.exit_code, finding.state) == (topic, code, PROBLEM)
    assert words in finding.advice


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("transport.tls", "set cacert"),
        ("transport.proxy", "https_proxy"),
        ("transport.dns", "DNS"),
    ],
)
def test_what_kept_us_from_the_service_has_a_remedy_of_its_own(
    code: str, words: str
) -> None:
    assert words in reach_advice(fault(FaultKind.UNREACHABLE, code), "auth_url")


@pytest.mark.parametrize(
    ("tag_filter", "state"),
    [
        (TagFilter.HONOURED, OK),
        (TagFilter.IGNORED, WARNING),
        (TagFilter.FINDS_NOTHING, WARNING),
        (TagFilter.NOT_KNOWN, OPEN),
    ],
)
def test_tags_that_do_not_work_are_no_problem_for_runs(
    tag_filter: TagFilter, state: State
) -> None:
    assert tags_finding(Sight(tag_filter=tag_filter)).state is state


def test_a_refused_look_by_tag_is_a_warning_with_its_reason() -> None:
    finding = tags_finding(Sight(tag_fault=fault(FaultKind.SERVER)))
    assert (finding.state, "as scripted" in finding.seen) == (WARNING, True)


@pytest.mark.parametrize(
    ("quota", "state", "words"),
    [
        (Quota(used=3, limit=50), OK, "3 of 50 used, room for 47"),
        (Quota(used=50, limit=50), WARNING, "room for 0"),
        (Quota(used=60, limit=50), WARNING, "room for 0"),
        (None, WARNING, "not told"),
    ],
)
def test_a_full_quota_is_a_warning(
    quota: Quota | None, state: State, words: str
) -> None:
    finding = quota_finding(quota, None)
    assert (finding.state, finding.exit_code) == (state, 0)
    assert words in finding.seen


def test_findings_of_a_service_that_answers_all_but_jobs() -> None:
    old = ImageView(
        image_id=ImageId("left-1"), name=f"{PROBE}-1", status=ImageStatus.QUEUED
    )
    sight = Sight(
        images=[old],
        job_fault=fault(FaultKind.FORBIDDEN),
        quota_fault=fault(FaultKind.SERVER),
    )
    found = {
        each.topic: each
        for each in sight_findings(sight, list_call="native", job_call="?")
    }
    assert found[Topic.RIGHT].seen == "1 private image"
    assert found[Topic.LIST_CALL].seen == "native"
    assert "grant" in found[Topic.JOB_CALL].advice
    assert found[Topic.QUOTA].advice.startswith("run doctor again; where it stays so")
    assert "IMG.0015" in found[Topic.QUOTA].advice
    assert found[Topic.LEFTOVERS].state is WARNING
    assert "DELETE /v2/images/left-1" in found[Topic.LEFTOVERS].advice


def test_what_old_probes_left_is_told_apart_from_what_was_cleared() -> None:
    one, two = (
        ImageView(image_id=ImageId(name), name=name, status=ImageStatus.QUEUED)
        for name in ("left-1", "left-2")
    )
    some = leftovers_finding([one, two], cleared=[one.image_id])
    assert some.state is WARNING
    assert (
        "just now: image left-2; deleted what an earlier probe left: image left-1"
        in (some.seen)
    )
    assert "left-1" not in some.advice
    every = leftovers_finding([one], cleared=[one.image_id])
    assert (every.state, every.advice) == (OK, "")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (FaultKind.FORBIDDEN, "the account's administrator: grant the right to read"),
        (FaultKind.THROTTLED, "run doctor again; where it stays so, runs go by"),
        (FaultKind.NOT_FOUND, "runs go by"),
    ],
)
def test_a_read_that_failed_is_asked_again_only_where_that_may_help(
    kind: FaultKind, words: str
) -> None:
    missing = fault(kind, "APIGW.0101")
    assert quota_finding(None, missing).advice.startswith(words)
    jobs = sight_findings(Sight(job_fault=missing), list_call="x", job_call="y")[3]
    assert jobs.advice.startswith(words)


@pytest.mark.parametrize(
    ("kind", "code", "state"),
    [
        (FaultKind.REJECTED, "IMG.0030", OK),  # however it words "no such job"
        (FaultKind.CONFLICT, "x", OK),
        (FaultKind.REJECTED, "APIGW.0101", WARNING),
        (FaultKind.SERVER, "x", WARNING),
        (FaultKind.FORBIDDEN, "IMG.0026", WARNING),
    ],
)
def test_a_cloud_without_job_calls_is_worth_a_word(
    kind: FaultKind, code: str, state: State
) -> None:
    sight = Sight(job_fault=fault(kind, code))
    jobs = sight_findings(sight, list_call="x", job_call="y")[3]
    assert (jobs.topic, jobs.state) == (Topic.JOB_CALL, state)
    assert has_job_call(sight.job_fault) is (state is OK)
    assert has_job_call(None)


def test_a_call_that_is_missing_is_named_beside_the_one_that_serves() -> None:
    assert call_words("a", "a") == "a"
    assert call_words("b", "a") == "b; there is no a here"


@pytest.mark.parametrize(
    ("published", "remembered", "overrides", "words"),
    [
        (None, Remembered(), {}, "not published; a run finds it out"),
        (40, Remembered(), {}, "40, as published (profile otc)"),
        (10, Remembered(), {"task_limit": "10"}, "10, set by ims_profile_overrides"),
        (
            40,
            Remembered(ledger="w.jsonl", task_limit=12),
            {},
            "12, as remembered in w.jsonl; 40, as published (profile otc)",
        ),
    ],
)
def test_a_task_limit_says_who_says_so(
    published: int | None,
    remembered: Remembered,
    overrides: dict[str, object],
    words: str,
) -> None:
    finding = task_limit_finding(
        published, remembered, profile_name="otc", overrides=overrides
    )
    assert finding.seen == words


def test_a_list_lag_is_remembered_or_not_known() -> None:
    known = list_lag_finding(Remembered(ledger="w.jsonl", list_lag_s=4.5))
    assert (known.state, known.seen) == (OK, "4.5 s, as remembered in w.jsonl")
    empty = list_lag_finding(Remembered(ledger="w.jsonl"))
    assert (empty.state, empty.seen) == (OPEN, "w.jsonl remembers none")
    assert "--probe-write" in list_lag_finding(Remembered()).advice


# ------------------------------------------------------------ probes

ID = ImageId("image-1")
DONE = ProbeRecord(
    name=f"{PROBE}-1",
    end=ProbeEnd.DELETED,
    image_id=ID,
    are_tags_kept=True,
    tag_filter=TagFilter.HONOURED,
    list_lag_s=0.0,
)


def told(
    record: ProbeRecord, known: Capabilities | None = None
) -> dict[Topic, Finding]:
    found = probe_findings(record, known or Capabilities(), settle_s=30.0)
    return {each.topic: each for each in found}


def test_a_probe_that_went_well() -> None:
    found = told(DONE)
    assert {each.state for each in found.values()} == {OK}
    assert set(found) == {Topic.PROBE, Topic.TAG_FILTER, Topic.LIST_LAG}
    assert found[Topic.LIST_LAG].seen == "none on one image: the first list showed it"


def test_a_probe_whose_create_was_lost_says_so() -> None:
    assert "answer was lost" in told(replace(DONE, is_lost=True))[Topic.PROBE].seen


@pytest.mark.parametrize(
    ("lag_s", "state"), [(9.9, OK), (10.0, OK), (10.1, WARNING), (60.0, WARNING)]
)
def test_a_lag_beyond_a_third_of_the_settle_time_is_a_warning(
    lag_s: float, state: State
) -> None:
    assert told(replace(DONE, list_lag_s=lag_s))[Topic.LIST_LAG].state is state


def test_a_lag_tells_how_long_to_settle() -> None:
    assert "31s or more" in told(replace(DONE, list_lag_s=10.1))[Topic.LIST_LAG].advice


def test_a_lag_that_was_not_measured() -> None:
    blind = replace(DONE, list_lag_s=None, tag_filter=TagFilter.NOT_KNOWN)
    found = told(replace(blind, looked_s=120.4))
    assert found[Topic.LIST_LAG].state is WARNING
    assert "120 s" in found[Topic.LIST_LAG].seen
    assert found[Topic.TAG_FILTER].state is OPEN
    assert told(replace(blind, is_cut_short=True))[Topic.LIST_LAG].state is OPEN


@pytest.mark.parametrize("end", [ProbeEnd.NOTHING_MADE, ProbeEnd.UNCLEAR])
def test_who_took_a_probe_in_vain_is_not_told_to_take_one(end: ProbeEnd) -> None:
    vain = ProbeRecord(name=f"{PROBE}-1", end=end, create_fault=fault(FaultKind.LOST))
    found = told(vain)
    for topic in (Topic.TAG_FILTER, Topic.LIST_LAG):
        assert found[topic].state is OPEN
        assert found[topic].advice == ""


def test_what_was_known_before_a_vain_probe_stands() -> None:
    vain = ProbeRecord(name=f"{PROBE}-1", create_fault=fault(FaultKind.FORBIDDEN))
    known = Capabilities(tag_filter=TagFilter.IGNORED, list_lag_s=4.5)
    assert set(told(vain, known)) == {Topic.PROBE}


def test_dropped_tags_are_said() -> None:
    found = told(replace(DONE, are_tags_kept=False))[Topic.TAG_FILTER]
    assert (found.state, "drops our tags" in found.seen) == (WARNING, True)


def test_a_shell_that_is_left_is_named_with_the_way_to_delete_it() -> None:
    left = told(replace(DONE, end=ProbeEnd.LEFT))[Topic.PROBE]
    assert (left.state, left.exit_code) == (PROBLEM, 69)
    assert ID in left.seen
    assert f"DELETE /v2/images/{ID}" in left.advice
    refusal = fault(FaultKind.FORBIDDEN)
    left = told(replace(DONE, end=ProbeEnd.LEFT, delete_fault=refusal))[Topic.PROBE]
    assert (left.exit_code, "as scripted" in left.seen) == (77, True)


def test_a_create_that_is_unclear_names_the_image_to_look_for() -> None:
    record = ProbeRecord(
        name=f"{PROBE}-1",
        end=ProbeEnd.UNCLEAR,
        create_fault=fault(FaultKind.LOST),
        is_lost=True,
    )
    found = told(record)[Topic.PROBE]
    assert (found.state, found.exit_code) == (PROBLEM, 69)
    assert f"{PROBE}-1" in found.advice
    cut_off = told(replace(record, create_fault=None))[Topic.PROBE]
    assert "cut off" in cut_off.seen


@pytest.mark.parametrize(
    ("kind", "state", "code", "words"),
    [
        (FaultKind.QUOTA, WARNING, 0, "quota"),
        (FaultKind.FORBIDDEN, PROBLEM, 77, "ims:images:create"),
        (FaultKind.REJECTED, PROBLEM, 69, "ims_profile"),
        (FaultKind.SERVER, PROBLEM, 69, "try again"),
    ],
)
def test_a_create_that_is_refused(
    kind: FaultKind, state: State, code: int, words: str
) -> None:
    record = ProbeRecord(name=f"{PROBE}-1", create_fault=fault(kind))
    found = told(record)[Topic.PROBE]
    assert (found.state, found.exit_code) == (state, code)
    assert words in found.advice
    assert "nothing made" in found.seen


def test_a_probe_that_was_stopped_before_it_began() -> None:
    found = told(ProbeRecord(name=f"{PROBE}-1"))[Topic.PROBE]
    assert (found.state, found.exit_code) == (OPEN, 0)


# ------------------------------------------------------------ together


def finding(topic: Topic, state: State, code: int = 0) -> Finding:
    return Finding(topic=topic, state=state, seen="s", exit_code=code)


def test_a_later_finding_of_a_topic_replaces_the_earlier_one() -> None:
    findings = Findings()
    findings.add(finding(Topic.QUOTA, OK), finding(Topic.CLOCK, OK))
    findings.add(finding(Topic.CLOCK, WARNING))
    assert findings.all() == [finding(Topic.CLOCK, WARNING), finding(Topic.QUOTA, OK)]


@pytest.mark.parametrize(
    ("codes", "code"),
    [((), 0), ((2,), 2), ((2, 69), 69), ((69, 77), 77), ((77, 74), 74)],
)
def test_the_worst_problem_gives_the_exit_code(
    codes: tuple[int, ...], code: int
) -> None:
    problems = [finding(Topic.CLOCK, PROBLEM, each) for each in codes]
    assert exit_code([*problems, finding(Topic.QUOTA, WARNING)]) == code


def test_what_a_problem_kept_from_being_looked_at_names_the_first_one() -> None:
    found = [finding(Topic.LOGIN, PROBLEM, 77), finding(Topic.CLOCK, PROBLEM, 77)]
    whole = {each.topic: each for each in completed(found, skipped=[Topic.PROBE])}
    assert whole[Topic.QUOTA].behind is Topic.CLOCK
    assert whole[Topic.QUOTA].state is OPEN
    assert Topic.PROBE not in whole
    assert set(whole) == set(Topic) - {Topic.PROBE}


def test_without_a_problem_what_was_not_reached_is_only_that() -> None:
    whole = completed([finding(Topic.LOGIN, OK)])
    assert {each.behind for each in whole} == {None}
    assert whole[0].seen == "not reached"


def test_a_fault_is_told_with_what_the_service_said() -> None:
    said = Fault(
        kind=FaultKind.FORBIDDEN,
        code="IMG.0026",
        reason="no right",
        action=Action.ASK_PERMISSION,
        http_status=403,
        request_id="r-1",
    )
    told = list_refused(said, "p", login_advice="", address="")
    assert told.seen == "HTTP 403 IMG.0026: no right (request r-1)"
