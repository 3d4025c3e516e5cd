"""Calls to Keystone and Glance by plain HTTP, sharing no code with what is tested."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `data` is its JSON, None where it has none."""

    status: int
    data: Any
    headers: dict[str, str]


def call(
    port: int, method: str, path: str, body: object = None, *, token: str = ""
) -> Answer:
    """Send one request to 127.0.0.1; bytes go out as they are, all else as JSON."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["X-Auth-Token"] = token
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path, None if body is None else raw, headers)
        reply = connection.getresponse()
        text = reply.read()
    finally:
        connection.close()
    told = {name.lower(): value for name, value in reply.getheaders()}
    return Answer(reply.status, _json(text), told)


def answers(port: int) -> bool:
    """Return whether a web server answers there, whatever it says."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def token_of(port: int, user: str, password: str, project: str) -> tuple[str, str]:
    """Return a token and the project's id."""
    domain = {"name": "Default"}
    who = {"name": user, "domain": domain, "password": password}
    identity = {"methods": ["password"], "password": {"user": who}}
    scope = {"project": {"name": project, "domain": domain}}
    body = {"auth": {"identity": identity, "scope": scope}}
    answer = call(port, "POST", "/v3/auth/tokens", body)
    assert answer.status == 201, answer
    return answer.headers["x-subject-token"], answer.data["token"]["project"]["id"]


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
