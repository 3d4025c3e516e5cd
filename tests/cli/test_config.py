"""`config`: the settings in force, each with its source, in either form."""

from __future__ import annotations

import json
from pathlib import Path

from batch_register.settings import SETTINGS, Settings


def test_every_setting_is_listed_with_its_source(invoke, tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("settle: 1m\nselect: [a*, b*]\n", encoding="utf-8")
    ended = invoke(
        "config",
        "--config",
        config,
        "--poll-interval",
        "90",
        BATCH_REGISTER_RETRY_FAILED="no",
    )
    rows = dict(line.split(None, 1) for line in ended.out.splitlines())
    assert list(rows) == [setting.name for setting in SETTINGS]
    assert {
        name: " ".join(row.split())
        for name, row in rows.items()
        if not row.endswith(" default")
    } == {
        "poll_interval": "1m30s flag --poll-interval",
        "settle": f"1m file {config}:1",
        "select": f"a*,b* file {config}:2",
        "retry_failed": "false environment BATCH_REGISTER_RETRY_FAILED",
    }
    assert (ended.code, ended.err) == (0, "")


def test_json_has_plain_values_and_nothing_else(invoke) -> None:
    ended = invoke(
        "config", "--output", "json", "--simulate", "--select", "a", "--select", "b"
    )
    document = json.loads(ended.out)
    assert document["version"] == 1
    assert list(document["settings"]) == [setting.name for setting in SETTINGS]
    assert document["settings"]["settle"] == {
        "value": 2.0,
        "source": "rehearsal",
        "place": "--simulate",
    }
    assert document["settings"]["select"]["value"] == ["a", "b"]
    assert document["settings"]["output"]["value"] == "json"
    assert document["settings"]["ledger"] == {
        "value": None,
        "source": "default",
        "place": "",
    }


def test_what_looks_like_a_secret_is_masked(invoke) -> None:
    url = "https://me:c4n4ryc4n4ry@host/x"
    for form in ("table", "json"):
        ended = invoke("config", "--ledger", url, "--output", form)
        assert "c4n4ry" not in ended.out


def test_of_an_address_to_notify_only_the_host_is_shown(invoke) -> None:
    for form in ("table", "json"):
        ended = invoke(
            *("config", "--notify", "https://me:c4n4ry@hooks.example.com/c4n4ry"),
            *("--notify", "slack://c4n4ry/c4n4ry", "--output", form),
            BATCH_REGISTER_NOTIFY_SECRET="c4n4ry-c4n4ry-c4n4ry",
        )
        assert ended.code == 0, ended.err
        assert "c4n4ry" not in ended.out + ended.err
        assert "https://hooks.example.com/" in ended.out


def test_variables_that_nobody_reads_are_noted(invoke) -> None:
    ended = invoke("config", BATCH_REGISTER_CONCURENCY="3")
    assert ended.err == "note: no setting reads BATCH_REGISTER_CONCURENCY\n"
    assert ended.code == 0


def test_the_settings_file_may_be_named_by_the_environment(
    invoke, tmp_path: Path
) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("output: json\nconcurrency: 7\n", encoding="utf-8")
    ended = invoke("config", BATCH_REGISTER_CONFIG=str(config))
    assert json.loads(ended.out)["settings"]["concurrency"]["value"] == 7


def test_each_setting_is_a_flag_that_says_its_default(invoke) -> None:
    help_text = " ".join(invoke("config", "--help").out.split())
    for setting in SETTINGS:
        assert setting.flag in help_text
        assert setting.help in help_text
    assert "[default: 30s; with --simulate 2s]" in help_text
    assert "[default: true]" in help_text
    assert "--retry-failed / --no-retry-failed" in help_text


def test_flags_reach_the_settings_in_every_form(invoke) -> None:
    ended = invoke(
        "config",
        "--no-retry-failed",
        "--keep-failed",
        "--max-rate=2.5",
        "--log-level=DEBUG",
        "--output=json",
    )
    shown = {
        name: fields["value"]
        for name, fields in json.loads(ended.out)["settings"].items()
    }
    expected = Settings()
    assert shown["retry_failed"] is not expected.retry_failed
    assert shown["keep_failed"] is not expected.keep_failed
    assert (shown["max_rate"], shown["log_level"]) == (2.5, "debug")


def test_a_wrong_setting_is_told_in_the_form_that_was_asked_for(invoke) -> None:
    ended = invoke("config", "--output", "json", "--concurrency", "none")
    assert (ended.code, ended.out) == (2, "")
    error = json.loads(ended.err.splitlines()[-1])["error"]
    assert error["message"] == (
        "concurrency must be a whole number from 1 to 10000, not 'none' "
        "(flag --concurrency)"
    )
