"""Our reader of clouds.yaml and openstacksdk's read the same files, and agree.

Compared is what decides where we go and as whom: the login as it would be sent, region,
interface, image endpoint, certificates. Where ours cannot mean the same, it refuses.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from keystoneauth1.identity.base import BaseIdentityPlugin
from openstack import config

from batch_register.errors import SettingsError
from batch_register.identity import Cloud, Surroundings, load_cloud
from batch_register.identity.cloud import GivenToken, KeyPair, PluginLogin
from batch_register.identity.files import places
from batch_register.identity.login import login_request
from batch_register.identity.plugins import load_plugin
from tests.peers.clouds_corpus import CASES, Case

pytestmark = pytest.mark.peer

View = dict[str, Any]


class UnsentError(Exception):
    """A login that was caught on its way."""

    def __init__(self, url: str, body: View) -> None:
        self.url, self.body = url, body


def catch(url: str, **options: Any) -> None:
    # OpenID Connect asks the identity provider first, with a form
    body = options.get("json") or {"auth": {"identity": options["data"]}}
    raise UnsentError(url, body)


@dataclass(frozen=True)
class Verdict:
    kind: str  # agreed, refused, ours alone, explained; anything else is a fault
    detail: str = ""


@pytest.fixture(autouse=True)
def _bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith(("OS_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def write(case: Case, folder: Path) -> dict[str, list[str]]:
    """Write the files of a case; return their paths by openstacksdk's names for them."""
    found: dict[str, list[str]] = {}
    for stem, option, text in (
        ("clouds", "config_files", case.clouds),
        ("secure", "secure_files", case.secure),
        ("clouds-public", "vendor_files", case.public),
    ):
        path = folder / f"{stem}.yaml"
        path.unlink(missing_ok=True)
        if text:
            path.write_text(text)
        found[option] = [str(path)] if text else []
    return found


def ours(case: Case, folder: Path) -> View:
    around = Surroundings(environ=case.environ, cwd=folder, home=folder)
    cloud = load_cloud(around, name=None if case.environ else "x")
    view: View = {
        "region": cloud.region_name or "",
        "interface": cloud.interface,
        "endpoint": cloud.image_endpoint,
        "verify": str(cloud.cacert) if cloud.verify and cloud.cacert else cloud.verify,
        "cert": (
            str(cloud.cert) if cloud.cert else None,
            str(cloud.key) if cloud.cert and cloud.key else None,
        ),
        "keystone": "3",
    }
    return view | _our_login(cloud)


def _our_login(cloud: Cloud) -> View:
    if isinstance(cloud.auth, GivenToken | KeyPair):
        return {}
    if isinstance(cloud.auth, PluginLogin):
        login = _their_login(load_plugin(cloud.auth, source=cloud.source))
        endpoint = cloud.image_endpoint or login.get("endpoint")
        return login | {"endpoint": endpoint}
    request = login_request(cloud.auth, cloud.project, deadline_s=1.0)
    return _worded(request.url, json.loads(request.body))


def _worded(url: str, body: View) -> View:
    auth = body["auth"]
    return {"url": url, "identity": auth["identity"], "scope": auth.get("scope")}


def theirs(case: Case, files: dict[str, list[str]], folder: Path) -> View:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = config.OpenStackConfig(**files, load_envvars=bool(case.environ))
        region = reader.get_one("envvars" if case.environ else "x")
        verify, cert = region.get_requests_verify_args()
    certificate, key = cert if isinstance(cert, tuple) else (cert, None)
    login = _their_login(region.get_auth())
    endpoint = region.get_endpoint("image") or login.get("endpoint")
    return {
        **login,
        "region": region.region_name or "",
        "interface": region.get_interface("image").removesuffix("URL"),
        "endpoint": endpoint and endpoint.rstrip("/"),
        "verify": str(folder / verify) if isinstance(verify, str) else verify,
        "cert": tuple(path and str(folder / path) for path in (certificate, key)),
        "keystone": region.get_api_version("identity") or "3",
    }


def _their_login(plugin: Any) -> View:
    if not isinstance(plugin, BaseIdentityPlugin):
        return {
            "headers": plugin.get_headers(None),
            "endpoint": plugin.get_endpoint(None),
        }
    if hasattr(plugin, "create_plugin"):  # it would ask the server for its version
        plugin = plugin.create_plugin(None, (3, 0), plugin.auth_url)
    try:
        plugin.get_auth_ref(SimpleNamespace(post=catch))
    except UnsentError as login:
        return _worded(login.url, login.body)
    pytest.fail("openstacksdk did not log in")


def judge(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Verdict:
    """Let both read a case, and say how they stand to each other."""
    files = write(case, folder)
    try:
        our_view = ours(case, folder)
    except SettingsError as error:
        return Verdict("refused" if error.hint else "no advice", error.message)
    with monkeypatch.context() as patch:
        for name, value in case.environ.items():
            patch.setenv(name, value)
        try:
            their_view = theirs(case, files, folder)
        except Exception as error:  # noqa: BLE001 - whatever their reader may raise
            return Verdict("ours alone", f"{type(error).__name__}: {error}")
    differing = {key for key in their_view if our_view.get(key) != their_view[key]}
    if not differing:
        return Verdict("agreed")
    if differing == set(case.differs):
        return Verdict("explained", ", ".join(sorted(differing)))
    told = [f"{k}: {our_view.get(k)!r} and {their_view[k]!r}" for k in differing]
    return Verdict("silent difference", "; ".join(told))


def expected(case: Case) -> str:
    if case.refused:
        return "refused"
    if case.ours_alone:
        return "ours alone"
    return "explained" if case.differs else "agreed"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_both_readers_agree_or_ours_refuses(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = judge(case, tmp_path, monkeypatch)
    assert verdict.kind == expected(case), verdict.detail
    if case.refused:
        assert re.search(case.refused, verdict.detail)


def test_no_difference_is_silent(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60
    kinds = Counter(judge(case, tmp_path, monkeypatch).kind for case in CASES)
    with capsys.disabled():
        print(
            f"\nclouds.yaml: {len(CASES)} descriptions, {kinds['agreed']} agreed, "
            f"{kinds['explained']} differ for a reason given, {kinds['refused']} refused, "
            f"{kinds['ours alone']} for ours alone, "
            f"{kinds['silent difference']} silent differences"
        )
    assert kinds["silent difference"] == 0
    assert kinds["agreed"] >= 60
    assert kinds["refused"] >= 20
    assert sum(kinds.values()) == len(CASES)


WHERE = """\
import json, sys
from openstack.config import loader
json.dump([loader.CONFIG_FILES, loader.SECURE_FILES, loader.VENDOR_FILES], sys.stdout)
"""


@pytest.mark.parametrize("has_xdg", [True, False])
def test_files_are_looked_for_in_the_same_places_in_the_same_order(
    tmp_path: Path, has_xdg: bool
) -> None:
    """Asked of another process: openstacksdk settles its places when it is loaded."""
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    if has_xdg:
        environ |= {"XDG_CONFIG_HOME": "/own", "XDG_CONFIG_DIRS": "/shared"}
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WHERE],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        check=True,
    )
    around = Surroundings(environ=environ, cwd=tmp_path, home=tmp_path)
    for stem, found in zip(
        ("clouds", "secure", "clouds-public"), json.loads(told.stdout), strict=True
    ):
        ours = list(dict.fromkeys(str(path) for path in places(around, stem)))
        assert ours == list(dict.fromkeys(found))
