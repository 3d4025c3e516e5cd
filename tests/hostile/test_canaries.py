"""Canaries: a secret of its own in every input that can hold one, and no trace of it.

Looked through are standard output and error at log level debug, the log file, the
ledger, every form of the report, `history`, `plan`, `doctor` and `config`, the
arguments of the process, and tracebacks. The weather is fine, or the secret is wrong, or
the service repeats whatever it was sent, or we have a bug.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from batch_register.cli.simulator import clouds_yaml
from batch_register.simulator.options import (
    AccessKey,
    ApplicationCredential,
    UserAccount,
)
from tests.hostile.conftest import FLAGS, Stage
from tests.hostile.front import Exchange, Misdeed
from tests.notify.receiver import Receiver, answer, receiving

pytestmark = [pytest.mark.integration, pytest.mark.fault(37)]

PASSWORD = 'c4n4ry"Pw/%7xQ'  # what URL and JSON spell differently, and not long
CREDENTIAL = "c4n4ry-credential-Zk2"
ACCESS = "C4N4RYACCESS00000042"
SECRET_KEY = "c4n4ry/secret+key=8HfW2vN0"
SECURITY_TOKEN = "c4n4ry-security-token-Lw5"
PROXY_USER, PROXY_PASSWORD = "c4n4ry-proxy-user", "c4n4ry-pr0xy"
WRONG = "wr0ng-c4n4ry-Jd6"

USER = UserAccount(
    password=PASSWORD,
    application_credentials=(
        ApplicationCredential(id="credential-1", name="batch", secret=CREDENTIAL),
    ),
)
KEY = AccessKey(access=ACCESS, secret=SECRET_KEY, security_token=SECURITY_TOKEN)


@pytest.fixture
def options() -> dict[str, Any]:
    jobs = {"job_init_range_s": (0.1, 0.2), "job_running_range_s": (1.0, 2.0)}
    return {"users": (USER,), "access_keys": (KEY,), "speed": 100.0, **jobs}


# ------------------------------------------------------------ ways to log in


@dataclass
class Told:
    """What a way of logging in puts where, and which secrets are in it."""

    auth: dict[str, str]
    secrets: list[str]
    auth_type: str | None = None
    in_secure: tuple[str, ...] = ()  # keys of `auth` that stand in secure.yaml
    in_environment: bool = False  # all of it, as OS_*, and no clouds.yaml


def _password(stage: Stage) -> Told:
    return Told(dict(stage.entry["auth"]), [PASSWORD])


def _secure(stage: Stage) -> Told:
    return replace(_password(stage), in_secure=("password",))


def _environment(stage: Stage) -> Told:
    return replace(_password(stage), in_environment=True)


def _credential(stage: Stage) -> Told:
    auth = {
        "auth_url": stage.entry["auth"]["auth_url"],
        "application_credential_id": "credential-1",
        "application_credential_secret": CREDENTIAL,
    }
    return Told(auth, [CREDENTIAL], auth_type="v3applicationcredential")


def _token(stage: Stage) -> Told:
    token = stage.simulator.issue_token()
    auth = {"token": token, "project_id": stage.simulator.options.project_id}
    return Told(auth, [token], auth_type="token")


def _exchange(stage: Stage) -> Told:
    told = _token(stage)
    auth = {**told.auth, "auth_url": stage.entry["auth"]["auth_url"]}
    return replace(told, auth=auth, auth_type="v3token")


def _keys(stage: Stage) -> Told:
    auth = {
        "ak": ACCESS,
        "sk": SECRET_KEY,
        "security_token": SECURITY_TOKEN,
        "project_id": stage.simulator.options.project_id,
    }
    return Told(auth, [ACCESS, SECRET_KEY, SECURITY_TOKEN], auth_type="aksk")


LOGINS: dict[str, Callable[[Stage], Told]] = {
    "password": _password,
    "secure.yaml": _secure,
    "OS_PASSWORD": _environment,
    "application credential": _credential,
    "given token": _token,
    "exchanged token": _exchange,
    "access key": _keys,
}


@pytest.fixture(params=LOGINS)
def login(request: pytest.FixtureRequest) -> Callable[[Stage], Told]:
    return LOGINS[request.param]


@dataclass
class Trial:
    """A stage on which one way of logging in is used, through a proxy with a login."""

    stage: Stage
    environment: pytest.MonkeyPatch
    told: Told
    said: list[str] = field(default_factory=list)

    def prepare(self) -> None:
        """Put the secrets where they belong."""
        stage, told = self.stage, self.told
        self.use_proxy()
        auth = {k: v for k, v in told.auth.items() if k not in told.in_secure}
        stage.entry["auth"] = auth
        if told.auth_type:
            stage.entry["auth_type"] = told.auth_type
        if told.in_secure:
            secure = {"auth": {k: told.auth[k] for k in told.in_secure}}
            text = clouds_yaml({"clouds": {"hostile": secure}})
            (stage.folder / "secure.yaml").write_text(text)
        if told.in_environment:
            flat = {**{k: v for k, v in stage.entry.items() if k != "auth"}, **auth}
            for key, value in flat.items():
                self.environment.setenv(f"OS_{key.upper()}", value)
            self.environment.delenv("OS_CLOUD")

    def use_proxy(self) -> None:
        """Lead everything through the front as a proxy; nothing resolves the host."""
        port = self.stage.front.port
        login = f"{quote(PROXY_USER)}:{quote(PROXY_PASSWORD)}"
        self.environment.setenv("http_proxy", f"http://{login}@127.0.0.1:{port}")
        text = json.dumps(self.stage.entry).replace(
            self.stage.front.url, "http://cloud.example"
        )
        self.stage.entry = json.loads(text)
        self.told.auth = {
            key: value.replace(self.stage.front.url, "http://cloud.example")
            for key, value in self.told.auth.items()
        }

    def everything(self, *flags: str) -> int:
        """Run the main job and everything that shows of it; return the run's code."""
        debug = ("--log-level", "debug", "--log-file", "run.log")
        ended = self.stage.run(*debug, "--report", "report.md", *flags)
        self.said += [ended.out, ended.err]
        ledger = "wave-07.ledger.jsonl"
        for form in ("table", "json", "csv", "markdown"):
            self._say("report", ledger, "--format", form)
        for key in ("web-0", "web-1", "web-2", "web-3"):
            self._say("history", ledger, key)
        self._say("plan", "wave-07.yaml", "--log-level", "debug")
        for form in ("table", "json"):
            probe = ("--probe-write", "--settle", "0.05", "--output", form)
            self._say("doctor", "--log-level", "debug", *probe)
        self._say("config", "--output", "json")
        self._say("validate", "wave-07.yaml")
        return ended.code

    def _say(self, *arguments: str) -> None:
        ended = self.stage.command(*arguments)
        self.said += [ended.out, ended.err]

    def shown(self) -> str:
        """Return all that was said and written, but for the inputs themselves."""
        inputs = {"clouds.yaml", "secure.yaml", "wave-07.yaml"}
        files = [
            path.read_text()
            for path in self.stage.folder.iterdir()
            if path.is_file() and path.name not in inputs
        ]
        return "\n".join([*self.said, *files])

    def leaks(self, *more: str) -> list[str]:
        """Return the secrets of which a spelling is shown."""
        secrets = [*self.told.secrets, PROXY_USER, PROXY_PASSWORD, *more]
        secrets += sorted(self.issued())
        return found(self.shown(), secrets)

    def issued(self) -> set[str]:
        """Return the tokens that were sent to the service."""
        calls = self.stage.front.calls
        return {call.header("X-Auth-Token") for call in calls} - {""}


def found(shown: str, secrets: list[str]) -> list[str]:
    return [
        secret
        for secret in secrets
        if any(spelled in shown for spelled in spellings(secret))
    ]


def spellings(secret: str) -> Iterator[str]:
    """Yield a secret as it is, in JSON, in a URL and in a Basic header."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield quote(secret, safe="")
    yield repr(secret)[1:-1]
    yield base64.b64encode(secret.encode()).decode().rstrip("=")
    yield base64.b64encode(f"{PROXY_USER}:{secret}".encode()).decode().rstrip("=")


@pytest.fixture
def trial(
    stage: Stage,
    quiet_environment: pytest.MonkeyPatch,
    login: Callable[[Stage], Told],
) -> Trial:
    return Trial(stage, quiet_environment, login(stage))


# ------------------------------------------------------------ weathers


def test_a_good_run_shows_nothing(trial: Trial) -> None:
    trial.prepare()
    assert trial.everything() == 0
    assert "image.active" in trial.shown()
    assert "Proxy-Authorization" in trial.stage.front.calls[0].head.decode()
    assert trial.leaks() == []


def test_a_wrong_secret_shows_nothing(trial: Trial) -> None:
    which = next(
        key
        for key in ("password", "application_credential_secret", "token", "sk")
        if key in trial.told.auth
    )
    trial.told.auth[which] = WRONG
    trial.prepare()
    assert trial.everything() == 77
    assert trial.leaks(WRONG) == []


def repeating(name: str, words: list[str]) -> Misdeed:
    """Repeat secrets wherever an answer has room for words."""

    async def answer(exchange: Exchange) -> None:
        call = exchange.call
        token = call.header("X-Auth-Token") or call.header("Authorization")
        carried = [token, call.header("X-Security-Token"), *words]
        carried.append(call.header("Proxy-Authorization").removeprefix("Basic "))
        said = "; ".join(word for word in carried if word)
        headers = [f"X-Request-Id: id-{words[0]}"]
        if name == "job":
            job = {"job_id": call.target.rpartition("/")[2], "status": "FAIL"}
            body: dict[str, object] = {
                **job,
                "fail_reason": said[-290:],
                "error_code": words[0],
            }
            await exchange.answer("200 OK", json.dumps(body).encode(), *headers)
            return
        error = {"code": words[0], "message": said, "request_id": token or words[0]}
        status = "400 Bad Request" if call.number % 2 else "200 OK"
        await exchange.answer(status, json.dumps({"error": error}).encode(), *headers)

    return answer


@pytest.mark.parametrize(
    ("login", "name"),
    [
        *product(LOGINS.values(), ("token", "create", "job")),
        *product((_password, _keys), ("list", "register")),
    ],
)
def test_a_service_that_repeats_what_it_was_sent_shows_nothing(
    trial: Trial, name: str
) -> None:
    words = [*trial.told.secrets, PROXY_PASSWORD]
    trial.prepare()
    trial.stage.use_faults("jobs: [{object: '*:web-1.qcow2', code: IMG.1075}]")
    trial.stage.trouble(name, repeating(name, words))
    code = trial.everything("--image-deadline", "2s")
    assert code in (0, 3, 4, 69, 77)
    assert trial.stage.front.counts[name] or name == "token"
    assert trial.leaks() == []
    if trial.stage.front.counts[name]:
        assert "***" in trial.shown()


BUG = """
import sys
from batch_register.cli import connection, main

class Broken(connection.HttpSender):
    async def send(self, request):
        if request.operation != WHERE:
            return await super().send(request)
        facts = {"url": request.url, "headers": dict(request.headers)}
        bare = " and ".join(request.secrets)
        raise RuntimeError(f"{request!r} {facts!r} {request.body!r} {bare}")

connection.HttpSender = Broken
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("login", "operation"),
    [
        (_password, "log in"),
        (_credential, "log in"),
        (_exchange, "log in"),
        (_environment, "create image"),
        (_token, "create image"),
        (_keys, "create image"),
    ],
)
def test_a_bug_whose_words_hold_a_whole_request_shows_nothing(
    trial: Trial, operation: str
) -> None:
    """In a process of its own, since the bug is built into the command there."""
    trial.prepare()
    program = BUG.replace("WHERE", repr(operation))
    ended = spawn(trial, "-c", program).communicate(timeout=60)
    trial.said += list(ended)
    assert "RuntimeError" in ended[1]
    assert "Traceback" in ended[1]
    assert "please report" in ended[1]
    assert trial.leaks() == []


@pytest.mark.parametrize("login", [_password, _environment])
def test_the_arguments_of_the_process_show_nothing(trial: Trial) -> None:
    trial.prepare()
    process = spawn(trial, "-m", "batch_register")
    arguments = Path(f"/proc/{process.pid}/cmdline")
    shown = ""
    while process.poll() is None:
        shown = arguments.read_text() or shown
        time.sleep(0.01)
    trial.said += [shown, *process.communicate()]
    assert process.returncode == 0, trial.said
    assert "wave-07.yaml" in shown
    assert trial.leaks() == []


def spawn(trial: Trial, *program: str) -> subprocess.Popen[str]:
    text = clouds_yaml({"clouds": {"hostile": trial.stage.entry}})
    (trial.stage.folder / "clouds.yaml").write_text(text)
    return subprocess.Popen(
        [
            sys.executable,
            *program,
            *("run", "wave-07.yaml", *FLAGS, "--log-level", "debug"),
        ],
        cwd=trial.stage.folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# ------------------------------------------------------------ who is told

HOOK_PATH = "c4n4ry-h00k-path"
HOOK_USER, HOOK_PASSWORD = "c4n4ry-hook-user", "c4n4ry-h00k-pw"
HOOK_QUERY = "c4n4ry-h00k-query"
HOOK_SECRET = "c4n4ry-signing-secret"
IN_HOOKS = [HOOK_PATH, HOOK_USER, HOOK_PASSWORD, HOOK_QUERY, HOOK_SECRET]


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "400 Bad Request"])
@pytest.mark.parametrize("login", [_password])
def test_where_a_notification_goes_is_not_shown(trial: Trial, status: str) -> None:
    """The receiver repeats what it was sent, in status line, headers and body."""

    def behave(receiver: Receiver, peer: socket.socket) -> None:
        arrived = receiver.arrived[-1]
        said = f"{arrived.target} {arrived.headers} {HOOK_SECRET} {HOOK_PASSWORD}"
        head = f"{status} {said}\r\nLocation: {receiver.url}{arrived.target}\r\nX-A: {said}"
        answer(head, said.encode())(receiver, peer)

    trial.told.secrets += IN_HOOKS
    with receiving(behave) as receiver:
        login = f"{HOOK_USER}:{HOOK_PASSWORD}"
        hook = f"http://{login}@127.0.0.1:{receiver.port}/{HOOK_PATH}?k={HOOK_QUERY}"
        chats = f"slack://{HOOK_PATH}/{HOOK_USER} https://h:{HOOK_PATH}/"
        trial.environment.setenv("NO_PROXY", "127.0.0.1")
        trial.environment.setenv("BATCH_REGISTER_NOTIFY_SECRET", HOOK_SECRET)
        trial.environment.setenv("BATCH_REGISTER_NOTIFY", chats)
        trial.prepare()
        trial._say("run", "wave-07.yaml", *FLAGS)
        trial.environment.setenv("BATCH_REGISTER_NOTIFY", hook)
        assert trial.everything() == 0
        assert receiver.arrived
    assert f"http://127.0.0.1:{receiver.port}/" in trial.shown()
    assert trial.leaks() == []


# ------------------------------------------------------------ other inputs

ADDRESSES = {
    "a login in image_url": "image_url: 'https://me:c4n4ry-addr@obs.example/web-1.raw'",
    "a signed image_url": (
        "image_url: 'bucket-1:web-1.raw?AccessKeyId=c4n4ry-addr&Expires=1"
        "&Signature=c4n4ry-addr'"
    ),
    "a signed object": "object: 'web-1.raw?X-Amz-Signature=c4n4ry-addr'",
    "a signed source_url": (
        "source_url: 'https://e.example/web-1?Expires=9&Signature=c4n4ry-addr'"
    ),
    "a password": "password: c4n4ry-addr",
    "a token among the tags": "tags: {token: c4n4ry-addr}",
}


@pytest.mark.parametrize("output", ["table", "json"])
@pytest.mark.parametrize("line", ADDRESSES.values(), ids=ADDRESSES)
def test_a_secret_in_a_manifest_is_refused_and_not_shown(
    stage: Stage, line: str, output: str
) -> None:
    stage.manifest(1, f"  - name: web-1\n    {line}\n")
    ended = stage.run("--output", output, "--log-level", "debug")
    assert ended.code == 65, ended.err
    checked = stage.command("validate", "wave-07.yaml", "--output", "json")
    assert checked.code == 65
    shown = ended.out + ended.err + checked.out + checked.err
    assert found(shown, ["c4n4ry-addr"]) == []
    assert not (stage.folder / "wave-07.ledger.jsonl").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"image_endpoint_override": "http://me:c4n4ry-addr@127.0.0.1:1"},
        {"image_endpoint_override": "http://127.0.0.1:1/?token=c4n4ry-addr"},
        {"auth": {"auth_url": "http://me:c4n4ry-addr@127.0.0.1:1/v3"}},
        {"auth": {"auth_url": "http://127.0.0.1:1/v3", "passcode": "c4n4ry-addr"}},
        {"auth": "c4n4ry-addr"},
        {"region_name": ["c4n4ry-addr"]},
    ],
)
def test_a_clouds_entry_that_cannot_be_used_is_not_quoted(
    stage: Stage, change: dict[str, Any]
) -> None:
    stage.entry |= change
    path = stage.folder / "clouds.yaml"
    path.write_text(json.dumps({"clouds": {"hostile": stage.entry}}))
    ended = stage.command_as_it_is("run", "wave-07.yaml", "--log-level", "debug")
    assert ended.code == 2, ended.err
    assert found(ended.out + ended.err, ["c4n4ry-addr"]) == []


def test_a_clouds_file_that_is_no_yaml_is_not_quoted(stage: Stage) -> None:
    path = stage.folder / "clouds.yaml"
    path.write_text("clouds:\n  hostile:\n    auth: {password: 'c4n4ry-addr\n")
    ended = stage.command_as_it_is("run", "wave-07.yaml", "--log-level", "debug")
    assert ended.code == 2, ended.err
    assert found(ended.out + ended.err, ["c4n4ry-addr"]) == []


def test_keys_in_the_environment_that_lead_nowhere_are_not_shown(
    stage: Stage, quiet_environment: pytest.MonkeyPatch
) -> None:
    quiet_environment.delenv("OS_CLOUD")
    for name, value in (
        ("AK", ACCESS),
        ("SK", SECRET_KEY),
        ("PROJECT_ID", "p"),
        ("SECURITY_TOKEN", SECURITY_TOKEN),
    ):
        quiet_environment.setenv(f"HUAWEICLOUD_SDK_{name}", value)
    for command in (("run", "wave-07.yaml"), ("plan", "wave-07.yaml"), ("config",)):
        ended = stage.command(*command, "--log-level", "debug")
        shown = ended.out + ended.err
        assert found(shown, [ACCESS, SECRET_KEY, SECURITY_TOKEN]) == []
