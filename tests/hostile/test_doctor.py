"""`doctor` against clouds and networks that are not well: cause, remedy and exit code."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batch_register.cli.connection import WallClock
from batch_register.cli.remembered import remembered_lag_s
from batch_register.ledger import LedgerFile, held, read_ledger
from batch_register.model import Target
from batch_register.simulator import StoredBucket
from tests.hostile.conftest import Ended, Stage
from tests.hostile.front import Call, Exchange, Misdeed

pytestmark = pytest.mark.integration

# Seconds after which a list that shows nothing is believed: short, for quick tests.
SETTLE = ("--settle", "0.5")


def examined(stage: Stage, *flags: str) -> Ended:
    ended = stage.command("doctor", *SETTLE, *flags)
    assert ended.is_intelligible(), ended.err
    return ended


def lines(ended: Ended) -> dict[str, str]:
    """Return the lines of the text by topic: mark, what was seen, what to do."""
    found: dict[str, str] = {}
    topic = ""
    for line in ended.out.partition("\n\n")[0].splitlines():
        if line.startswith("not looked at  ") and line.endswith(" first"):
            names, _, first = line.removeprefix("not looked at  ").partition(": ")
            found |= dict.fromkeys(names.split(", "), f"-> {first}")
        elif line.startswith(" "):
            found[topic] += f" {line.strip()}"
        else:
            mark, topic, seen = (line[:15], line[15:33], line[33:])
            topic = topic.strip()
            found[topic] = f"{mark.strip()}: {seen}"
    return found


def refuse(status: str, code: str, words: str = "no") -> Misdeed:
    async def answer(exchange: Exchange) -> None:
        error = {"error": {"code": code, "message": words}}
        await exchange.answer(status, json.dumps(error).encode())

    return answer


def free_port() -> int:
    """Return a port where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def use_access_key(stage: Stage) -> None:
    options = stage.simulator.options
    key = options.access_keys[0]
    stage.entry["auth_type"] = "aksk"
    stage.entry["auth"] = {
        "ak": key.access,
        "sk": key.secret,
        "project_id": options.project_id,
    }


# ------------------------------------------------------------ all well


def test_a_cloud_that_is_well_is_looked_at_and_nothing_is_written(stage: Stage) -> None:
    ended = examined(stage)
    found = lines(ended)
    assert ended.code == 0
    assert {word.partition(":")[0] for word in found.values()} == {
        "ok",
        "not looked at",
    }
    assert "password of user" in found["credentials"]
    assert str(stage.folder / "clouds.yaml") in found["credentials"]
    assert "from the entry's override; profile otc" in found["image service"]
    assert "job of the project" in found["job call"]
    assert "0 of 5000 used" in found["image quota"]
    assert "--probe-write finds out" in found["tag filter"]
    assert ended.out.splitlines()[-1].startswith("All is well. Next: batch-register")
    assert stage.audit()["writes"] == 0


def test_a_run_proves_the_tag_filter_without_any_probe(stage: Stage) -> None:
    assert stage.run().code == 0
    assert lines(examined(stage))["tag filter"] == "ok: honoured"


def test_a_program_gets_one_document(stage: Stage) -> None:
    ended = examined(stage, "--output", "json", "--probe-write")
    document = json.loads(ended.out)
    assert document["exit_code"] == ended.code == 0
    assert {each["state"] for each in document["findings"]} == {"ok"}
    capabilities = document["capabilities"]
    assert abs(capabilities.pop("clock_skew_s")) < 60
    assert capabilities.pop("list_lag_s") is not None
    assert capabilities == {
        "list_call": "extension list",
        "job_call": "job of the project",
        "tag_filter": "honoured",
        "quota": {"used": 0, "limit": 5000},
        "task_limit": 40,
    }
    assert document["probe"]["end"] == "deleted"


def test_quiet_says_only_what_to_do(stage: Stage) -> None:
    ended = examined(stage, "--output", "quiet")
    assert ended.out.count("\n") == 1


# ------------------------------------------------------------ credentials and the way


def test_a_wrong_password_names_the_keys_to_check(stage: Stage) -> None:
    stage.entry["auth"]["password"] = "wrong-canary"
    ended = examined(stage)
    found = lines(ended)
    assert ended.code == 77
    assert found["login"].startswith("PROBLEM: HTTP 401")
    assert "> check username, password" in found["login"]
    assert found["identity service"].startswith("ok")
    assert found["image service"] == "-> see login first"
    assert "Begin with the login" in ended.out
    assert "wrong-canary" not in ended.out + ended.err
    assert stage.front.counts["token"] == 1  # a handful of them locks an account


def test_a_wrong_region_names_those_that_there_are(stage: Stage) -> None:
    del stage.entry["image_endpoint_override"]
    stage.entry["region_name"] = "eu-dee"
    ended = examined(stage)
    found = lines(ended)
    assert ended.code == 2
    assert "no image service in region 'eu-dee'" in found["image service"]
    assert "to one of: sim-region-1" in found["image service"]
    assert found["login"].startswith("ok")


def test_a_wrong_region_beside_an_address_of_ones_own_is_seen_too(stage: Stage) -> None:
    stage.entry["region_name"] = "eu-dee"
    ended = examined(stage)
    assert ended.code == 0  # the address is right all the same
    project = lines(ended)["project"]
    assert project.startswith("warning:")
    assert "> set region_name (or --region) to one of: sim-region-1" in project


def test_a_cloud_that_is_not_described_is_a_wrong_setting(stage: Stage) -> None:
    ended = examined(stage, "--cloud", "nowhere")
    assert ended.code == 2
    assert "there is no cloud 'nowhere'" in lines(ended)["credentials"]
    assert "name one of these: hostile" in lines(ended)["credentials"]


def test_an_address_of_the_catalogue_is_said_to_be_one(stage: Stage) -> None:
    del stage.entry["image_endpoint_override"]
    ended = examined(stage)
    assert ended.code == 0
    assert "from the token's catalogue" in lines(ended)["image service"]


def test_a_profile_that_nobody_knows_is_a_wrong_setting(stage: Stage) -> None:
    stage.entry["ims_profile"] = "moon"
    ended = examined(stage)
    assert ended.code == 2
    assert "ims_profile 'moon' is not known" in ended.out
    assert "use one of: huawei, otc" in ended.out


def test_a_wrong_override_is_a_wrong_setting(stage: Stage) -> None:
    stage.entry["ims_profile_overrides"] = {"task_limit": "many"}
    ended = examined(stage)
    assert ended.code == 2
    assert "ims_profile_overrides.task_limit" in lines(ended)["image service"]


def test_a_certificate_file_that_is_not_there_is_a_wrong_setting(stage: Stage) -> None:
    stage.entry["cacert"] = "nowhere.pem"
    ended = examined(stage)
    assert ended.code == 2
    assert "nowhere.pem" in lines(ended)["credentials"]


def test_a_malformed_proxy_is_a_wrong_setting_and_is_not_quoted(
    stage: Stage, quiet_environment: pytest.MonkeyPatch
) -> None:
    quiet_environment.setenv("http_proxy", "http://me:pr0xy/canary@127.0.0.1:1")
    ended = examined(stage)
    assert ended.code == 2
    assert "http_proxy is not the address of a proxy" in lines(ended)["proxy"]
    assert "canary" not in ended.out + ended.err


def test_where_nothing_listens_the_address_is_to_be_checked(stage: Stage) -> None:
    stage.entry["auth"]["auth_url"] = f"http://127.0.0.1:{free_port()}/v3"
    ended = examined(stage)
    found = lines(ended)
    assert ended.code == 69
    assert "cannot connect" in found["identity service"]
    assert "> check auth_url, the network" in found["identity service"]
    assert found["login"] == "-> see identity service first"


def test_where_only_the_image_service_is_away_its_own_address_is(stage: Stage) -> None:
    stage.entry["image_endpoint_override"] = f"http://127.0.0.1:{free_port()}"
    ended = examined(stage)
    found = lines(ended)
    assert ended.code == 69
    assert found["login"].startswith("ok")
    assert "> check image_endpoint_override" in found["image service"]


def test_a_login_that_is_answered_with_a_failure_is_not_the_passwords_fault(
    stage: Stage,
) -> None:
    stage.trouble("token", refuse("503 Service Unavailable", "x"))
    ended = examined(stage)
    assert ended.code == 69
    assert "try again in a few minutes" in lines(ended)["identity service"]
    assert stage.front.counts["token"] == 1  # whoever waits at a terminal sees it now


# ------------------------------------------------------------ clock and rights


class TestTwentyMinutesOff:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"gateway_skew_s": 1200.0}

    def test_signatures_are_refused_and_the_clock_is_to_be_set(
        self, stage: Stage
    ) -> None:
        use_access_key(stage)
        ended = examined(stage)
        found = lines(ended)
        assert ended.code == 77
        assert found["clock"].startswith("PROBLEM")
        assert "20 minutes behind the service's" in found["clock"]
        assert "> set this machine's clock" in found["clock"]
        assert found["login"].startswith("PROBLEM: HTTP 401")
        assert "Begin with the clock" in ended.out

    def test_tokens_do_not_mind_but_it_is_said(self, stage: Stage) -> None:
        ended = examined(stage)
        assert ended.code == 0
        assert lines(ended)["clock"].startswith("warning")
        store = lines(ended)["object storage"]  # where requests are signed all the same
        assert store.startswith("warning")
        assert store.endswith("set this machine's clock, best by NTP")
        assert "with 2 warnings" in ended.out


# ------------------------------------------------------------ the object store


class TestOnlyListed:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"objects_exist_by_default": False}

    def test_each_bucket_that_is_named_is_looked_at(self, stage: Stage) -> None:
        async def furnish() -> None:
            buckets = [
                StoredBucket(name="good"),
                StoredBucket(name="cold", storage_class="COLD"),
                StoredBucket(name="far", region="elsewhere-1"),
                StoredBucket(name="shut", forbidden=True),
            ]
            stage.simulator.furnish([], buckets)

        stage.backstage.do(furnish())
        named = ("good", "cold", "far", "shut", "none")
        ended = examined(stage, *(f"--bucket={name}" for name in named))
        found = lines(ended)
        region = stage.simulator.options.region
        assert ended.code == 77  # of the one that is shut
        assert found["object storage"].startswith("ok")
        assert "temporary access keys" in found["object storage"]
        assert f"good: class STANDARD, region {region}; " in found["buckets"]
        assert "storage class COLD" in found["buckets"]
        assert "'far' is in region elsewhere-1" in found["buckets"]
        assert "the owner of bucket shut: let these keys" in found["buckets"]
        assert "there is no bucket 'none'" in found["buckets"]
        assert stage.audit()["writes"] == 0

        for name, code in (("good", 0), ("none", 2)):
            assert examined(stage, "--bucket", name).code == code

    def test_a_store_that_answers_needs_no_bucket_of_ours(self, stage: Stage) -> None:
        ended = examined(stage)
        assert "it answers" in lines(ended)["object storage"]
        assert "buckets" not in lines(ended)


def test_keys_that_the_store_refuses_are_named_by_their_place_alone(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "canary-" + "Zz09" * 8
    monkeypatch.setenv(
        "OBS_ACCESS_KEY_ID", stage.simulator.options.access_keys[0].access
    )
    monkeypatch.setenv("OBS_SECRET_ACCESS_KEY", secret)
    ended = examined(stage)
    found = lines(ended)["object storage"]
    assert (ended.code, found.partition(":")[0]) == (0, "warning")
    assert "access keys from the environment: OBS_ACCESS_KEY_ID" in found
    asked = examined(stage, "--bucket", "wave-07")
    assert asked.code == 77
    assert lines(asked)["buckets"] == "-> see object storage first"
    assert secret not in ended.out + ended.err + asked.out + asked.err


def test_half_a_pair_of_keys_is_told(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBS_ACCESS_KEY_ID", "x")
    found = lines(examined(stage))["object storage"]
    assert found.startswith("not looked at")
    assert found.endswith("OBS_SECRET_ACCESS_KEY is not: set both")
    assert examined(stage, "--bucket", "wave-07").code == 2


def test_a_store_that_is_not_there_is_a_problem_for_who_names_a_bucket(
    stage: Stage,
) -> None:
    stage.entry["obs_endpoint_override"] = f"http://127.0.0.1:{free_port()}"
    found = lines(examined(stage))["object storage"]
    assert found.startswith("warning: http://127.0.0.1:")
    assert "check obs_endpoint_override" in found
    assert examined(stage, "--bucket", "wave-07").code == 69


def test_a_name_that_no_bucket_has_is_wrong_usage(stage: Stage) -> None:
    ended = stage.command("doctor", "--bucket", "Wave 07")
    assert (ended.code, ended.out) == (2, "")
    assert "--bucket Wave 07: bucket must be" in ended.err


def test_without_the_right_to_list_the_right_is_named(stage: Stage) -> None:
    stage.trouble("list", refuse("403 Forbidden", "IMG.0026"))
    ended = examined(stage)
    found = lines(ended)
    assert ended.code == 77
    assert "PROBLEM: HTTP 403 IMG.0026" in found["right to list"]
    assert "ims:images:list" in found["right to list"]
    assert found["login"].startswith("ok")


def test_a_token_that_the_service_refuses_points_at_region_and_project(
    stage: Stage,
) -> None:
    stage.trouble("list", refuse("401 Unauthorized", "APIGW.0307"))
    ended = examined(stage)
    assert ended.code == 77
    assert "region_name, project and image endpoint" in lines(ended)["login"]


def test_access_keys_are_proven_by_the_first_call(stage: Stage) -> None:
    use_access_key(stage)
    ended = examined(stage)
    assert ended.code == 0
    assert lines(ended)["login"] == "ok: the signature is accepted"
    assert lines(ended)["identity service"].startswith("not looked at: not needed")


# ------------------------------------------------------------ what the cloud has


@pytest.mark.parametrize("options", [{"tag_filter": "matches_nothing"}])
def test_a_missing_tag_filter_is_found_by_a_probe_and_by_what_is_there(
    stage: Stage,
) -> None:
    ended = examined(stage, "--probe-write")
    assert ended.code == 0
    assert lines(ended)["tag filter"].startswith("warning: finds nothing")
    assert stage.run().code == 0
    without = examined(stage)
    assert lines(without)["tag filter"].startswith("warning: finds nothing")


@pytest.mark.parametrize("options", [{"tags_on_create": "dropped"}])
def test_a_cloud_that_drops_our_tags_is_found_by_a_probe(stage: Stage) -> None:
    found = lines(examined(stage, "--probe-write"))
    assert found["probe"].endswith("made and deleted again")
    assert "finds nothing" in found["tag filter"] or "drops" in found["tag filter"]


def test_a_missing_list_call_is_named_beside_the_one_that_serves(stage: Stage) -> None:
    stage.use_faults(
        "rules: [{match: {route: cloudimage.list}, effect: {status: 404, "
        "body: gateway, code: APIGW.0101, message: no such API}}]"
    )
    ended = examined(stage, "--output", "json")
    assert ended.code == 0
    assert json.loads(ended.out)["capabilities"]["list_call"] == "native list"
    assert "there is no extension list here" in ended.out


def test_the_profiles_job_call_may_not_be_there(stage: Stage) -> None:
    stage.entry["ims_profile"] = "huawei"
    found = lines(examined(stage))
    assert found["job call"] == "ok: job of the project; there is no job progress here"


@pytest.mark.parametrize("options", [{"quota": 0}])
def test_a_full_quota_is_a_warning_and_forbids_the_probe(stage: Stage) -> None:
    ended = examined(stage, "--probe-write")
    found = lines(ended)
    assert ended.code == 0
    assert found["image quota"].startswith("warning: 0 of 0 used")
    assert "IMG.0015" in found["probe"]


# ------------------------------------------------------------ probes


def live(stage: Stage) -> dict[str, list[str]]:
    """Return the images that exist, by what they are tagged with."""
    found: dict[str, list[str]] = stage.audit()["live_images_by_entry"]
    return found


async def drop(exchange: Exchange) -> None:
    await exchange.reset()


def test_a_lost_create_is_found_deleted_and_never_repeated(stage: Stage) -> None:
    stage.trouble("create", drop, executed=True)
    ended = examined(stage, "--probe-write")
    assert ended.code == 0
    assert "the create's answer was lost" in lines(ended)["probe"]
    assert stage.front.counts["create"] == 1
    assert live(stage) == {}


def test_a_create_that_never_arrived_says_what_to_look_for(stage: Stage) -> None:
    stage.trouble("create", drop)
    ended = examined(stage, "--probe-write")
    assert ended.code == 69
    assert "look for an image named batch-register-probe-" in lines(ended)["probe"]
    assert stage.front.counts["create"] == 1


def test_a_shell_that_cannot_be_deleted_is_named(stage: Stage) -> None:
    stage.trouble("delete", refuse("403 Forbidden", "IMG.0026"))
    ended = examined(stage, "--probe-write")
    assert ended.code == 77
    probe = lines(ended)["probe"]
    ((left,),) = live(stage).values()
    assert probe.startswith(f"PROBLEM: image {left} ")
    assert f"DELETE /v2/images/{left}" in probe
    stage.peace()
    again = lines(examined(stage, "--probe-write"))
    assert again["probe"].startswith("ok")
    assert (
        f"left behind by an earlier probe, or under way just now: image {left}"
        in (again["old probes"])
    )


class TestAnHourLater:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        """A cloud where an hour is 4 ms of ours, and that is not ahead of us yet."""
        year_s = 365 * 86400.0
        return {
            "speed": 1e6,
            "start_s": WallClock().now().timestamp() - 2 * year_s,
            "token_lifetime_s": 100 * year_s,
        }

    def test_the_next_probe_deletes_what_the_last_one_left(self, stage: Stage) -> None:
        stage.trouble("delete", refuse("403 Forbidden", "IMG.0026"))
        assert examined(stage, "--probe-write").code == 77
        ((left,),) = live(stage).values()
        stage.peace()
        told = lines(examined(stage))["old probes"]
        assert told.startswith("warning: left behind")
        assert [left] in live(stage).values()  # without the flag nothing is deleted
        ended = examined(stage, "--probe-write")
        assert ended.code == 0
        assert lines(ended)["old probes"] == (
            f"ok: deleted what an earlier probe left: image {left}"
        )
        assert live(stage) == {}


def interrupted(then: Callable[[Exchange], Any]) -> Misdeed:
    """Press Ctrl-C while a call is under way, then go on."""

    async def misdeed(exchange: Exchange) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await then(exchange)

    return misdeed


async def through(exchange: Exchange) -> None:
    await exchange.write(await exchange.through())


@pytest.mark.parametrize("name", ["create", "list", "delete"])
@pytest.mark.parametrize("options", [{"list_create_lag_s": 100.0}])
def test_an_interrupt_in_mid_probe_leaves_nothing_behind(
    stage: Stage, name: str
) -> None:
    pressed: list[Call] = []

    def once_in_mid_probe(call: Call) -> bool:
        if pressed or not stage.front.counts["create"]:
            return False
        pressed.append(call)
        return True

    stage.trouble(name, interrupted(through), when=once_in_mid_probe)
    ended = examined(stage, "--probe-write")
    assert ended.code == 130
    assert "made and deleted again" in lines(ended)["probe"]
    assert "Stopped before the end." in ended.out
    assert live(stage) == {}


async def silence(exchange: Exchange) -> None:
    """Never answer."""
    await asyncio.sleep(300)
    await exchange.reset()


@pytest.mark.parametrize("name", ["token", "list", "quota"])
def test_an_interrupt_of_what_only_reads_ends_at_once_and_tells_what_was_found(
    stage: Stage, name: str
) -> None:
    stage.trouble(name, interrupted(silence))
    ended = examined(stage, "--probe-write")
    assert ended.code == 130
    assert lines(ended)["credentials"].startswith("ok")
    assert lines(ended)["image quota"] == "not looked at: not reached"
    assert "Stopped before the end." in ended.out
    assert stage.audit()["writes"] == 0


@pytest.mark.parametrize("options", [{"list_create_lag_s": 1e6}])
def test_a_second_interrupt_ends_at_once_and_names_what_is_left(stage: Stage) -> None:
    stage.trouble(
        "list", interrupted(through), when=lambda _: stage.front.counts["create"] > 0
    )
    ended = examined(stage, "--probe-write")
    assert ended.code == 130
    ((left,),) = live(stage).values()
    assert f"image {left} " in lines(ended)["probe"]
    assert f"DELETE /v2/images/{left}" in lines(ended)["probe"]


# ------------------------------------------------------------ ledgers

LEDGER = "wave-07.ledger.jsonl"
NAMED = ("--ledger", LEDGER)


def new_ledger(stage: Stage, **changes: str) -> Path:
    """Begin a ledger of this cloud, as a run does."""
    options = stage.simulator.options
    target = {
        "endpoint": stage.front.url,
        "project_id": options.project_id,
        "region": options.region,
    }

    async def begin() -> None:
        async with LedgerFile.open(
            stage.folder / LEDGER,
            manifest_name="wave-07",
            target=Target(**(target | changes)),
            run_id="r-1",
            clock=WallClock(),
        ) as ledger:
            await ledger.observe({"task_limit": 12, "list_lag_s": 0.1})

    asyncio.run(begin())
    return stage.folder / LEDGER


def test_what_a_ledger_remembers_is_told(stage: Stage) -> None:
    path = new_ledger(stage)
    before = path.read_bytes()
    ended = examined(stage, *NAMED)
    found = lines(ended)
    assert ended.code == 0
    assert found["task limit"].startswith("ok: 12, as remembered in wave-07.ledger")
    assert found["list lag"] == f"ok: 0.1 s, as remembered in {LEDGER}"
    assert "manifest 'wave-07', runs so far: 0" in found["ledger"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("options", [{"list_create_lag_s": 1000.0}])  # 1 s of ours
def test_a_longer_lag_is_noted_for_the_next_run(stage: Stage) -> None:
    path = new_ledger(stage)
    ended = examined(stage, *NAMED, "--probe-write", "--settle", "1.5")
    assert ended.code == 0, ended.out
    observed = read_ledger(path).observations
    assert observed["task_limit"] == 12
    assert remembered_lag_s(observed) >= 0.9
    assert "noted for the next run" in lines(ended)["ledger"]
    assert lines(ended)["list lag"].startswith("warning")


def test_a_shorter_lag_is_not_noted(stage: Stage) -> None:
    path = new_ledger(stage)
    assert examined(stage, *NAMED, "--probe-write", "--settle", "5").code == 0
    assert read_ledger(path).observations["list_lag_s"] == 0.1


@pytest.mark.parametrize("options", [{"list_create_lag_s": 1000.0}])
def test_a_ledger_that_a_run_holds_is_left_alone(stage: Stage) -> None:
    path = new_ledger(stage)
    with held(path):
        ended = examined(stage, *NAMED, "--probe-write", "--settle", "1.5")
    assert ended.code == 0
    assert "held by a run" in lines(ended)["ledger"]
    assert live(stage) == {}


def test_another_projects_ledger_is_refused(stage: Stage) -> None:
    new_ledger(stage, project_id="another")
    ended = examined(stage, *NAMED)
    assert ended.code == 74
    assert "belongs to manifest 'wave-07', project 'another'" in lines(ended)["ledger"]
    assert lines(ended)["list lag"].startswith("not looked at: not known")


def test_a_ledger_that_is_not_there_or_damaged_is_a_problem(stage: Stage) -> None:
    ended = examined(stage, *NAMED)
    assert ended.code == 74
    assert "there is no such ledger" in lines(ended)["ledger"]
    (stage.folder / LEDGER).write_text("rubbish\n")
    assert examined(stage, *NAMED).code == 74
