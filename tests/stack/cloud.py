"""A running cloud of the real Keystone and Glance, and an eye on it of our own."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

from tests.stack.build import (
    PASSWORD,
    PROJECT,
    PROJECT_WITH_LIMITS,
    REGION,
    USER,
    USER_WITH_LIMITS,
    Built,
)
from tests.stack.configuration import keystone_conf, write_glance
from tests.stack.process import Server, free_port
from tests.stack.rest import Answer, call, token_of

_USUAL_LIFE_S = 3600
_CLOUD = """\
    auth:
      auth_url: http://127.0.0.1:{port}/v3
      username: {user}
      password: {password}
      user_domain_name: Default
      project_name: {project}
      project_domain_name: Default
    region_name: {region}
    ims_profile: openstack
"""


class Stack:
    """Keystone and Glance; `close` ends every process, `limited` is not started."""

    def __init__(self, built: Built, folder: Path, *, source_port: int) -> None:
        self._programs = built.programs
        self._folder = folder
        shutil.copytree(built.data, folder, dirs_exist_ok=True)
        self.keystone = self._keystone(token_life_s=_USUAL_LIFE_S)
        endpoint_id = _endpoint_id(folder)
        self.glance = self._glance(source_port)
        self.limited = self._glance(source_port, endpoint_id)  # obeys LIMITS
        self._hasty: dict[int, Server] = {}
        _fill_catalogue(
            folder, {1: f"{self.keystone.port}/v3", 2: str(self.glance.port)}
        )

    def start(self) -> None:
        self.keystone.start()
        self.glance.start()

    def close(self) -> None:
        for server in (self.glance, self.limited, self.keystone, *self._hasty.values()):
            server.kill()

    def _keystone(self, *, token_life_s: int) -> Server:
        conf = self._folder / f"keystone-{token_life_s}.conf"
        conf.write_text(keystone_conf(self._folder, token_life_s=token_life_s))
        return Server(
            self._programs / "python",
            "keystone",
            configuration=conf,
            port=free_port(),
            threads=8,
        )

    def _glance(self, source_port: int, endpoint_id: str = "") -> Server:
        conf = write_glance(
            self._folder,
            self._programs,
            keystone_port=self.keystone.port,
            source_ports=(source_port,),
            endpoint_id=endpoint_id,
        )
        return Server(
            self._programs / "python",
            "glance",
            configuration=conf,
            port=free_port(),
            threads=8,
        )

    def keystone_with(self, *, token_life_s: int) -> Server:
        """Return a Keystone of the same users whose tokens live so long, in seconds."""
        if token_life_s == _USUAL_LIFE_S:
            return self.keystone
        if token_life_s not in self._hasty:
            self._hasty[token_life_s] = self._keystone(token_life_s=token_life_s)
            self._hasty[token_life_s].start()
        return self._hasty[token_life_s]

    def clouds_yaml(self, folder: Path, *, token_life_s: int) -> Path:
        """Write a `clouds.yaml` whose logins give tokens of this life, in seconds.

        Cloud `stack` is ours; `small` is a project in the Glance that obeys limits.
        """
        port = self.keystone_with(token_life_s=token_life_s).port
        usual = _cloud(port, USER, PROJECT)
        small = _cloud(port, USER_WITH_LIMITS, PROJECT_WITH_LIMITS)
        override = f"    image_endpoint_override: {self.limited.url}\n"
        path = folder / "clouds.yaml"
        path.write_text(f"clouds:\n  stack:\n{usual}  small:\n{small}{override}")
        return path

    def login(self) -> tuple[str, str]:
        """Return a token, and the project's id."""
        return token_of(self.keystone.port, USER, PASSWORD, PROJECT)

    def limited_login(self) -> tuple[str, str]:
        """Return the same for the project in the Glance that obeys limits."""
        port = self.keystone.port
        return token_of(port, USER_WITH_LIMITS, PASSWORD, PROJECT_WITH_LIMITS)

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """Send one request to Glance as the project's user."""
        token, _ = self.login()
        return call(self.glance.port, method, path, body, token=token)

    def images(self, manifest_name: str) -> list[dict[str, Any]]:
        """Return all images of a manifest by Glance's own list."""
        path: str | None = f"/v2/images?tag=br-manifest%3D{manifest_name}&limit=50"
        found: list[dict[str, Any]] = []
        while path is not None:
            answer = self.ask("GET", path)
            assert answer.status == 200, answer
            found += answer.data["images"]
            path = answer.data.get("next")
        return found

    def task_status(self, task_id: str) -> str:
        """Return how a task stands, also of an image that was deleted."""
        with sqlite3.connect(self._folder / "glance.db", timeout=60) as database:
            query = "SELECT status FROM tasks WHERE id = ?"
            (status,) = database.execute(query, (task_id,)).fetchone()
        return str(status)

    def let_hours_pass(self, hours: int) -> None:
        """Make every import task look as if it had not moved for so long."""
        with sqlite3.connect(self._folder / "glance.db", timeout=60) as database:
            database.execute(
                "UPDATE tasks SET updated_at = strftime('%Y-%m-%d %H:%M:%f', "
                "updated_at, ?)",
                (f"-{hours} hours",),
            )


def _cloud(port: int, user: str, project: str) -> str:
    """Return the keys of one entry of `clouds.yaml`."""
    return _CLOUD.format(
        port=port, user=user, password=PASSWORD, project=project, region=REGION
    )


def _endpoint_id(folder: Path) -> str:
    """Return the id of the image service's endpoint, which its limits go by."""
    with sqlite3.connect(folder / "keystone.db") as database:
        query = "SELECT id FROM endpoint WHERE url = 'http://127.0.0.1:2'"
        (found,) = database.execute(query).fetchone()
    return str(found)


def _fill_catalogue(folder: Path, places: dict[int, str]) -> None:
    """Put the real ports into the catalogue, which was made before they were known."""
    with sqlite3.connect(folder / "keystone.db") as database:
        for stand_in, place in places.items():
            count = database.execute(
                "UPDATE endpoint SET url = ? WHERE url LIKE ?",
                (f"http://127.0.0.1:{place}", f"http://127.0.0.1:{stand_in}%"),
            ).rowcount
            assert count == 1, places
