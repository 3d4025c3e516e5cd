"""Keystone and Glance installed in an environment of their own, with their first data.

Built once for each set of versions, and the data once for each way of making them.
"""

from __future__ import annotations

import grp
import os
import shutil
import sqlite3
import subprocess
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path

from tests.environments import INSTALL_S, digest, environment
from tests.stack.configuration import keystone_conf, write_glance
from tests.stack.process import Server, free_port
from tests.stack.rest import Answer, call, token_of

PACKAGES = ("keystone==30.0.0", "glance==33.0.0", "waitress==3.0.2")
REGION = "region-one"
PROJECT, USER, PASSWORD = "wave", "operator", "operator-password"
PROJECT_WITH_LIMITS, USER_WITH_LIMITS = "small", "small-operator"
# Of a project, in a Glance that obeys limits; sizes in MiB.
LIMITS = {
    "image_count_total": 3,
    "image_size_total": 1000,
    "image_stage_total": 1000,
    "image_count_uploading": 100,
}
_ADMIN_PASSWORD = "admin-password"
_SERVICE_PASSWORD = "service-password"


@dataclass(frozen=True, slots=True)
class Built:
    """Where the programs are, and the first data, which is to be copied."""

    programs: Path
    data: Path


def built() -> Built:
    """Return what is kept; build it where it is not there yet.

    Raises:
        NotToBeHadError: the package index does not give what is needed.
    """
    recipe = [Path(__file__), Path(__file__).with_name("configuration.py")]
    with environment("stack", *PACKAGES) as env:
        data = env / f"data-{digest(*(path.read_text() for path in recipe))}"
        if not (data / "complete").exists():
            shutil.rmtree(data, ignore_errors=True)
            _prepare(env / "bin", data)
            (data / "complete").touch()
    return Built(env / "bin", data)


def _prepare(programs: Path, data: Path) -> None:
    """Make databases, keys, users, projects and a catalogue whose ports are to come."""
    data.mkdir(parents=True)
    conf = data / "keystone.conf"
    conf.write_text(keystone_conf(data, token_life_s=3600))
    manage = [str(programs / "keystone-manage"), "--config-file", str(conf)]
    owner = ["--keystone-user", getuser(), "--keystone-group", _group()]
    _run([*manage, "db_sync"])
    _run([*manage, "fernet_setup", *owner])
    _run([*manage, "credential_setup", *owner])
    bootstrap = {"password": _ADMIN_PASSWORD, "region-id": REGION}
    bootstrap["public-url"] = "http://127.0.0.1:1/v3"
    options = [word for k, v in bootstrap.items() for word in (f"--bootstrap-{k}", v)]
    _run([*manage, "bootstrap", *options])
    glance = write_glance(data, programs, keystone_port=1, source_ports=(1,))
    _run([str(programs / "glance-manage"), "--config-file", str(glance), "db_sync"])
    for name in ("keystone.db", "glance.db"):
        with sqlite3.connect(data / name) as database:
            database.execute("PRAGMA journal_mode=WAL")
    server = Server(
        programs / "python",
        "keystone",
        configuration=conf,
        port=free_port(),
        threads=2,
    )
    server.start()
    try:
        _furnish(server.port)
    finally:
        server.kill()


def _group() -> str:
    return grp.getgrgid(os.getgid()).gr_name


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=INSTALL_S, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stderr[-2000:]}"


def _furnish(port: int) -> None:
    """Make projects with a user each, the image service's place and its limits."""
    token, _ = token_of(port, "admin", _ADMIN_PASSWORD, "admin")

    def made(kind: str, plural: str, **fields: object) -> str:
        answer = call(port, "POST", f"/v3/{plural}", {kind: fields}, token=token)
        return _id(answer, kind)

    listed = call(port, "GET", "/v3/roles", token=token).data["roles"]
    roles = {role["name"]: role["id"] for role in listed}
    for user, password, project, role in (
        (USER, PASSWORD, PROJECT, "member"),
        (USER_WITH_LIMITS, PASSWORD, PROJECT_WITH_LIMITS, "member"),
        ("glance", _SERVICE_PASSWORD, "service", "admin"),
    ):
        project_id = made("project", "projects", name=project, domain_id="default")
        user_id = made(
            "user", "users", name=user, domain_id="default", password=password
        )
        path = f"/v3/projects/{project_id}/users/{user_id}/roles/{roles[role]}"
        assert call(port, "PUT", path, token=token).status == 204
        if user == "glance":  # which reads everybody's limits
            path = f"/v3/system/users/{user_id}/roles/{roles['reader']}"
            assert call(port, "PUT", path, token=token).status == 204
    service_id = made("service", "services", type="image", name="glance")
    made(
        "endpoint",
        "endpoints",
        service_id=service_id,
        interface="public",
        region_id=REGION,
        url="http://127.0.0.1:2",
    )
    limits = [
        {
            "service_id": service_id,
            "region_id": REGION,
            "resource_name": name,
            "default_limit": most,
        }
        for name, most in LIMITS.items()
    ]
    body = {"registered_limits": limits}
    answer = call(port, "POST", "/v3/registered_limits", body, token=token)
    assert answer.status == 201, answer


def _id(answer: Answer, kind: str) -> str:
    assert answer.status == 201, answer
    return str(answer.data[kind]["id"])
