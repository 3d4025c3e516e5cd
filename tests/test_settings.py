"""Settings: each declared once, read by one set of rules, the strongest source wins."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import get_type_hints

import pytest
from hypothesis import given, strategies as st

from batch_register.errors import SettingsError
from batch_register.settings import (
    CONFIG_ENV,
    NOTIFY_SECRET_ENV,
    NOTIFY_SECRET_FILE_ENV,
    SETTINGS,
    Address,
    Kind,
    LogLevel,
    NotifyOn,
    Origin,
    Output,
    ProgressMode,
    Setting,
    Settings,
    Source,
)
from batch_register.settings.values import (
    LONGEST_DURATION_S,
    format_duration,
    parse_duration_s,
)
from batch_register.shard import Shard

BY_NAME = {setting.name: setting for setting in SETTINGS}

HOOK = Address.parse("https://hooks.example.com:8443/T0/c4n4ry-c4n4ry?k=c4n4ry")
CHAT = Address.parse("slack://c4n4ryc4n4ry/c4n4ryc4n4ry2/c4n4ry3")

# For each setting three spellings and what they mean.
SPELLINGS: dict[str, tuple[tuple[str, object], ...]] = {
    "ledger": (("a.jsonl", Path("a.jsonl")), ("b", Path("b")), ("c", Path("c"))),
    "cloud": (("one", "one"), (" two ", "two"), ("three", "three")),
    "region": (("eu-de", "eu-de"), ("eu-nl", "eu-nl"), ("no", "no")),
    "simulate": (("true", True), ("off", False), ("YES", True)),
    "fault_script": (("f.yaml", Path("f.yaml")), ("g", Path("g")), ("h", Path("h"))),
    "concurrency": (("1", 1), ("10000", 10_000), ("007", 7)),
    "poll_interval": (("1", 1.0), ("0.5s", 0.5), ("1m", 60.0)),
    "settle": (("0", 0.0), ("1m30s", 90.0), ("2s", 2.0)),
    "image_deadline": (("1h", 3600.0), ("90", 90.0), ("1d", 86_400.0)),
    "max_duration": (("6h", 21_600.0), ("1h30m", 5400.0), ("1s", 1.0)),
    "max_rate": (("0.5", 0.5), ("10", 10.0), ("3.25", 3.25)),
    "select": (("web-*", ("web-*",)), ("a,b*", ("a", "b*")), (" c ", ("c",))),
    "shard": (
        ("0/4", Shard(index=0, count=4)),
        (" 3/4", Shard(index=3, count=4)),
        ("0/1", Shard(index=0, count=1)),
    ),
    "retry_failed": (("0", False), ("1", True), ("false", False)),
    "keep_failed": (("on", True), ("no", False), ("True", True)),
    "preflight": (("false", False), ("on", True), ("0", False)),
    "accept_sources": (("on", True), ("no", False), ("True", True)),
    "upload_streams": (("1", 1), ("64", 64), ("8", 8)),
    "max_upload_rate": (("800K", 819_200), ("50MiB", 52_428_800), ("7", 7)),
    "dask": (
        ("tcp://10.0.0.5:8786", "tcp://10.0.0.5:8786"),
        ("scheduler:8786", "scheduler:8786"),
        ("tls://[::1]:8786", "tls://[::1]:8786"),
    ),
    "report": (
        ("r.json", Path("r.json")),
        ("r.CSV", Path("r.CSV")),
        ("x.md", Path("x.md")),
    ),
    "metrics_file": (
        ("m.prom", Path("m.prom")),
        ("d/n.prom", Path("d/n.prom")),
        ("o.prom", Path("o.prom")),
    ),
    "notify": (
        (HOOK.url, (HOOK,)),
        (f" {HOOK.url}\n", (HOOK,)),
        (f"{HOOK.url} {CHAT.url}", (HOOK, CHAT)),
    ),
    "notify_on": (
        ("always", NotifyOn.ALWAYS),
        ("trouble", NotifyOn.TROUBLE),
        ("TROUBLE", NotifyOn.TROUBLE),
    ),
    "output": (("json", Output.JSON), ("QUIET", Output.QUIET), ("table", Output.TABLE)),
    "progress": (
        ("bar", ProgressMode.BAR),
        ("none", ProgressMode.NONE),
        ("plain", ProgressMode.PLAIN),
    ),
    "log_file": (("l.log", Path("l.log")), ("m", Path("m")), ("n", Path("n"))),
    "log_level": (
        ("debug", LogLevel.DEBUG),
        ("Warning", LogLevel.WARNING),
        ("error", LogLevel.ERROR),
    ),
}

REFUSED: tuple[tuple[str, str], ...] = (
    ("concurrency", "0"),
    ("concurrency", "10001"),
    ("concurrency", "-1"),
    ("concurrency", "2.5"),
    ("concurrency", "1_0"),
    ("concurrency", "٣"),
    ("concurrency", "9" * 5000),
    ("poll_interval", "0"),
    ("poll_interval", "-5"),
    ("poll_interval", "nan"),
    ("poll_interval", "inf"),
    ("poll_interval", "1e3"),
    ("poll_interval", "5 s"),
    ("poll_interval", "m"),
    ("poll_interval", "30s1m"),
    ("settle", "-1"),
    ("settle", "367d"),
    ("image_deadline", "0s"),
    ("max_duration", "0h"),
    ("max_duration", "forever"),
    ("max_rate", "0"),
    ("max_rate", "nan"),
    ("max_rate", "-1"),
    ("upload_streams", "0"),
    ("upload_streams", "65"),
    ("max_upload_rate", "0"),
    ("max_upload_rate", "1.5G"),
    ("max_upload_rate", "50 MB/s"),
    ("dask", "10.0.0.5"),
    ("dask", "tcp://user:secret@host:8786"),
    ("dask", "inproc://x/1"),
    ("select", "a,,b"),
    ("shard", "4/4"),
    ("shard", "0/10001"),
    ("shard", "first"),
    ("retry_failed", "maybe"),
    ("report", "report.txt"),
    ("report", "json"),
    ("metrics_file", "m.txt"),
    ("metrics_file", "m.PROM"),
    ("notify_on", "failure"),
    ("output", "xml"),
    ("progress", "spinner"),
    ("log_level", "trace"),
    ("cloud", "a\nb"),
    ("cloud", " "),
    ("ledger", " "),
    ("ledger", "a\0b"),
)


def resolve(
    flags: dict[str, object] | None = None,
    environ: dict[str, str] | None = None,
    config_file: Path | None = None,
) -> Settings:
    return Settings.resolve(flags or {}, environ or {}, config_file).settings


def write(folder: Path, text: str) -> Path:
    path = folder / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(*args: object) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        resolve(*args)  # type: ignore[arg-type]  # forwarded as they are
    return caught.value


# ------------------------------------------------------------ the table


def test_defaults_are_the_documented_ones() -> None:
    assert resolve() == Settings(
        ledger=None,
        cloud=None,
        region=None,
        simulate=False,
        fault_script=None,
        concurrency=20,
        poll_interval_s=5.0,
        settle_s=30.0,
        image_deadline_s=3600.0,
        max_duration_s=None,
        max_rate_per_s=None,
        select=(),
        shard=None,
        retry_failed=True,
        keep_failed=False,
        preflight=True,
        accept_sources=False,
        upload_streams=12,
        max_upload_rate_per_s=None,
        dask=None,
        report=None,
        metrics_file=None,
        notify=(),
        notify_on=NotifyOn.ALWAYS,
        output=Output.TABLE,
        progress=ProgressMode.AUTO,
        log_file=None,
        log_level=LogLevel.INFO,
    )


def test_every_field_is_declared_with_names_of_its_own() -> None:
    assert [each.field_name for each in SETTINGS] == [
        each.name for each in dataclasses.fields(Settings)
    ]
    for spelling in ("name", "flag", "env"):
        assert len({getattr(each, spelling) for each in SETTINGS}) == len(SETTINGS)
    assert BY_NAME["max_rate"].flag == "--max-rate"
    assert BY_NAME["poll_interval"].env == "BATCH_REGISTER_POLL_INTERVAL"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda each: each.name)
def test_a_parser_returns_what_its_field_holds(setting: Setting) -> None:
    expected = get_type_hints(Settings)[setting.field_name]
    for text, meaning in SPELLINGS[setting.name]:
        value = setting.parse(text)
        assert value == meaning
        assert isinstance(value, getattr(expected, "__origin__", expected))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda each: each.name)
def test_a_shown_value_can_be_given_again(setting: Setting) -> None:
    for _, meaning in SPELLINGS[setting.name]:
        if not setting.is_secret:
            assert setting.parse(setting.format(meaning)) == meaning


def test_nothing_is_shown_as_none() -> None:
    assert BY_NAME["cloud"].format(None) == "none"
    assert BY_NAME["select"].format(()) == "none"


# ------------------------------------------------------------ durations


@given(st.floats(min_value=0, max_value=LONGEST_DURATION_S).map(lambda s: round(s, 9)))
def test_a_duration_survives_writing_and_reading(seconds: float) -> None:
    assert parse_duration_s(format_duration(seconds)) == seconds


@given(st.integers(min_value=1, max_value=int(LONGEST_DURATION_S)))
def test_whole_seconds_are_written_in_hours_minutes_and_seconds(seconds: int) -> None:
    text = format_duration(float(seconds))
    assert parse_duration_s(text) == seconds
    assert "." not in text


@given(st.text(max_size=20))
def test_any_text_is_a_bounded_duration_or_refused(text: str) -> None:
    try:
        seconds = parse_duration_s(text)
    except ValueError:
        return
    assert 0 <= seconds <= LONGEST_DURATION_S


# ------------------------------------------------------------ sources


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize(
    "given_by", list(itertools.product((False, True), repeat=3)), ids=str
)
def test_the_strongest_source_wins(
    tmp_path: Path, name: str, given_by: tuple[bool, bool, bool]
) -> None:
    setting = BY_NAME[name]
    spellings = SPELLINGS[name]
    by_flag, by_environ, by_file = given_by
    # The strongest is the last to be looked at.
    expected: object = setting.default
    origin = Origin(source=Source.DEFAULT)
    flags: dict[str, object] = {}
    environ: dict[str, str] = {}
    config: Path | None = None
    rehearses = name == "fault_script"
    lines = ["simulate: true"] if rehearses else []
    if by_file:
        lines = [*lines, f"{name}: '{spellings[0][0]}'"]
        expected = spellings[0][1]
        if setting.kind is Kind.FILE:
            expected = tmp_path / str(expected)
        place = f"{tmp_path / 'settings.yaml'}:{len(lines)}"
        origin = Origin(source=Source.FILE, place=place)
    if lines:
        config = write(tmp_path, "\n".join(lines))
    if by_environ:
        environ[setting.env] = spellings[1][0]
        expected = spellings[1][1]
        origin = Origin(source=Source.ENVIRONMENT, place=setting.env)
    if by_flag:
        flags[setting.field_name] = spellings[2][0]
        expected = spellings[2][1]
        origin = Origin(source=Source.FLAG, place=setting.flag)

    resolved = Settings.resolve(flags, environ, config)

    assert getattr(resolved.settings, setting.field_name) == expected
    assert resolved.origins[setting.field_name] == origin
    assert resolved.is_chosen(setting.field_name) is any(given_by)


def test_a_rehearsal_looks_often_unless_told_otherwise() -> None:
    resolved = Settings.resolve({"simulate": True, "settle_s": "7"}, {}, None)

    assert resolved.settings.poll_interval_s == 0.5
    assert resolved.settings.settle_s == 7.0
    assert resolved.origins["poll_interval_s"] == Origin(
        source=Source.REHEARSAL, place="--simulate"
    )
    assert not resolved.is_chosen("poll_interval_s")
    assert str(resolved.origins["settle_s"]) == "flag --settle"


def test_an_empty_variable_and_an_empty_list_of_flags_say_nothing() -> None:
    environ = {"BATCH_REGISTER_CONCURRENCY": "", "BATCH_REGISTER_SELECT": "web-*"}
    settings = resolve({"select": (), "concurrency": None}, environ)
    assert settings == dataclasses.replace(Settings(), select=("web-*",))


def test_variables_that_nobody_reads_are_reported_not_refused() -> None:
    environ = {
        "BATCH_REGISTER_PORT": "tcp://10.0.0.1:80",
        "BATCH_REGISTER_CONCURENCY": "3",
        "BATCH_REGISTER_CLOUD": "otc",
        CONFIG_ENV: "x.yaml",
        NOTIFY_SECRET_ENV: "c4n4ry",
        NOTIFY_SECRET_FILE_ENV: "x",
        "PATH": "/bin",
    }
    resolved = Settings.resolve({}, environ, None)
    assert resolved.unknown_variables == (
        "BATCH_REGISTER_CONCURENCY",
        "BATCH_REGISTER_PORT",
    )


# ------------------------------------------------------------ shards


def test_one_settings_file_names_the_files_of_every_shard(tmp_path: Path) -> None:
    config = write(
        tmp_path,
        """\
        ledger: wave.{shard}.jsonl
        report: "{shard}/night.{shard}.html"
        log_file: plain.log
        """,
    )
    settings = resolve({"shard": "2/4"}, {}, config)
    assert settings.ledger == tmp_path / "wave.2-of-4.jsonl"
    assert settings.report == tmp_path / "2-of-4" / "night.2-of-4.html"
    assert settings.log_file == tmp_path / "plain.log"


def test_a_name_with_a_place_for_a_shard_is_refused_without_one() -> None:
    error = refusal({"metrics_file": "m.{shard}.prom"})
    assert error.message == (
        "metrics_file m.{shard}.prom: {shard} stands for nothing without --shard"
    )


# ------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (HOOK.url, "https://hooks.example.com:8443/…"),
        ("HTTP://me:c4n4ry@[::1]:80/x", "http://[::1]:80/…"),
        ("https://e.example", "https://e.example/…"),
        (CHAT.url, "slack://…"),
        ("mailto://me:c4n4ry@mail.example", "mailto://…"),
    ],
)
def test_of_an_address_no_more_than_the_host_is_shown(url: str, shown: str) -> None:
    address = Address.parse(url)
    assert str(address) == shown
    assert "c4n4ry" not in repr(address)
    assert BY_NAME["notify"].format((address, address)) == f"{shown},{shown}"


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("https://e.example/T0/abcdefghijkl", {"abcdefghijkl"}),
        ("https://u:p%40ss@e.example/", {"u:p%40ss", "p%40ss", "p@ss"}),
        ("https://e.example/?key=abcdefghijkl", {"abcdefghijkl"}),
        ("slack://abcdefghijkl/short/", {"abcdefghijkl"}),
        ("mailto://u:pass@mail.example.com", {"u:pass", "pass"}),
    ],
)
def test_the_secrets_of_an_address_are_known(url: str, secrets: set[str]) -> None:
    assert set(Address.parse(url).secrets) == {url, *secrets}


def test_an_address_that_is_only_a_host_holds_no_secret() -> None:
    assert Address.parse("https://e.example/").secrets == ()


@pytest.mark.parametrize(
    "text",
    [
        "c4n4ry",
        "https://",
        "https:///c4n4ry",
        "https://h:c4n4ry/",
        "https://h:99999/c4n4ry",
        "https://[c4n4ry",
        "ftp//c4n4ry",
        "https://h/c4n4ry\u00e9",
    ],
)
def test_a_wrong_address_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    setting = BY_NAME["notify"]
    file = write(tmp_path, f"notify: [{text!r}]\n")
    for error in (
        refusal({}, {setting.env: text}),
        refusal({"notify": (text,)}),
        refusal({}, {}, file),
    ):
        assert error.exit_code == 2
        assert error.message.startswith("notify must ")
        assert "c4n4ry" not in error.message + error.hint


# ------------------------------------------------------------ refusals


@pytest.mark.parametrize(("name", "text"), REFUSED)
def test_a_wrong_value_is_refused_by_name_and_source(name: str, text: str) -> None:
    setting = BY_NAME[name]
    error = refusal({}, {setting.env: text})
    assert error.exit_code == 2
    assert error.message.startswith(f"{name} must ")
    assert error.message.endswith(f"(environment {setting.env})")
    assert repr(text) in error.message


def test_all_wrong_values_are_named_at_once(tmp_path: Path) -> None:
    config = write(tmp_path, "concurrency: 5\nsettel: 3s\ncloud: [a, b]\n")
    error = refusal({"concurrency": "0"}, {"BATCH_REGISTER_OUTPUT": "xml"}, config)
    assert error.message.splitlines() == [
        "concurrency must be a whole number from 1 to 10000, not '0' "
        "(flag --concurrency)",
        "output must be one of table, json, quiet, not 'xml' "
        "(environment BATCH_REGISTER_OUTPUT)",
        f"{config}:2: there is no setting 'settel'; did you mean settle?",
        f"cloud must be one value, not a list (file {config}:3)",
    ]


def test_a_wrong_value_is_refused_even_where_a_stronger_one_wins() -> None:
    error = refusal({"concurrency": "4"}, {"BATCH_REGISTER_CONCURRENCY": "many"})
    assert "not 'many'" in error.message


def test_metrics_in_the_place_of_the_ledger_are_refused() -> None:
    error = refusal({"ledger": "out.prom", "metrics_file": "./out.prom"})
    assert error.message == "ledger and metrics_file are the same file, out.prom"


def test_faults_without_a_rehearsal_are_refused() -> None:
    error = refusal({"fault_script": "f.yaml"})
    assert error.message == "fault_script f.yaml is given without simulate"


@pytest.mark.parametrize(
    ("first", "second"),
    list(itertools.combinations(("ledger", "report", "log_file"), 2)),
)
def test_two_outputs_into_one_file_are_refused(first: str, second: str) -> None:
    error = refusal({first: "out.json", second: "./out.json"})
    assert error.message == f"{first} and {second} are the same file, out.json"


# ------------------------------------------------------------ the file


def test_a_file_is_read_by_the_same_rules_as_the_rest(tmp_path: Path) -> None:
    config = write(
        tmp_path,
        """
concurrency: 40          # a comment
poll_interval: 10s
settle: 1m30s
retry_failed: no
select: [web-*, 'db,01']
region: no               # a place in Norway, not a boolean
max_duration: null
ledger: /var/lib/wave.ledger.jsonl
report: wave.json
""",
    )
    assert resolve(None, None, config) == Settings(
        concurrency=40,
        poll_interval_s=10.0,
        settle_s=90.0,
        retry_failed=False,
        select=("web-*", "db,01"),
        region="no",
        ledger=Path("/var/lib/wave.ledger.jsonl"),
        report=tmp_path / "wave.json",
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "concurrency:\n"])
def test_a_file_that_sets_nothing_is_fine(tmp_path: Path, text: str) -> None:
    assert resolve(None, None, write(tmp_path, text)) == Settings()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- concurrency\n", "{path}: must be a mapping of settings"),
        ("just text\n", "{path}: must be a mapping of settings"),
        ("cloud: a\ncloud: b\n", "{path}:2: cloud is set twice"),
        (
            "cloud: {name: a}\n",
            "{path}:1: cloud: must be a plain value or a list of them",
        ),
        (
            "select: [[a]]\n",
            "{path}:1: select: must be a plain value or a list of them",
        ),
        ("cloud: [a\n", "{path}:2: expected ',' or ']', but got '<stream end>'"),
        ("cloud: a\n---\ncloud: b\n", "{path}:2: but found another document"),
        ("cloud: a\x00b\n", "{path}: is not YAML of a settings file"),
        (f"cloud: {'[' * 3000}\n", "{path}: is not YAML of a settings file"),
        ("nonsense_at_all: 1\n", "{path}:1: there is no setting 'nonsense_at_all'"),
        (f"cloud: {'a' * 70_000}\n", "{path}: is larger than 65536 bytes"),
    ],
)
def test_a_malformed_file_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    config = write(tmp_path, text)
    assert refusal(None, None, config).message == complaint.format(path=config)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_bytes(b"cloud: \xff\xfe\n")
    assert refusal(None, None, config).message == f"{config}: is not UTF-8 text"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "none.yaml"
    error = refusal(None, None, config)
    assert error.message == f"{config}: cannot be read: No such file or directory"
