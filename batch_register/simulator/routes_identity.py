"""Handlers of the identity service and of version discovery.

Source: IAM API reference; the discovery documents are those that OpenStack clients
ask for before they trust an endpoint (Identity and Image API version pages).
"""

from __future__ import annotations

from batch_register.simulator.calls import Call, Route, route
from batch_register.simulator.clock import micros_text
from batch_register.simulator.draws import hex_id
from batch_register.simulator.options import Project, SimulatorOptions, UserAccount
from batch_register.simulator.refusals import Reply, answer, dumps, identity
from batch_register.simulator.tokens import Identity, Token

_MULTIPLE_CHOICES = 300
_DEFAULT_TEMPORARY_S = 900


def identity_routes(service: Identity, options: SimulatorOptions) -> list[Route]:
    """Return the routes of IAM and of discovery."""
    api = _IdentityApi(service, options)
    temporary = "POST /v3.0/OS-CREDENTIAL/securitytokens"
    return [
        route("version.list", "GET /", api.versions, access="open"),
        route("version.list", "GET /versions", api.versions, access="open"),
        route("version.identity", "GET /v3", api.identity_version, access="open"),
        route("token.create", "POST /v3/auth/tokens", api.create, access="open"),
        route("token.show", "GET /v3/auth/tokens", api.show, access="identity"),
        route("project.list", "GET /v3/projects", api.projects, access="identity"),
        route("key.create", temporary, api.temporary_key, access="identity"),
    ]


class _IdentityApi:
    def __init__(self, service: Identity, options: SimulatorOptions) -> None:
        self._service = service
        self._options = options

    def create(self, call: Call) -> Reply:
        caller = call.headers.get("X-Auth-Token")
        token = self._service.authenticate(call.document(), call.now_s, caller=caller)
        with_catalog = not call.query_value("nocatalog")
        document = self._token_document(token, call, with_catalog=with_catalog)
        headers = {"X-Subject-Token": token.text}
        return Reply(status=201, body=dumps(document), headers=headers)

    def show(self, call: Call) -> Reply:
        subject = call.headers.get("X-Subject-Token", "")
        token = self._service.find(subject)
        if token is None or not token.works_at(call.now_s):
            raise identity(404, "The token could not be found.")
        document = self._token_document(token, call, with_catalog=True)
        headers = {"X-Subject-Token": token.text}
        return Reply(status=200, body=dumps(document), headers=headers)

    def projects(self, call: Call) -> Reply:
        found = self._service.projects_named(call.query_value("name"))
        url = f"{call.base_url}/v3/projects"
        links = {"self": url, "previous": None, "next": None}
        projects = [self._project_document(project, url) for project in found]
        return answer({"links": links, "projects": projects})

    def temporary_key(self, call: Call) -> Reply:
        duration_s = _duration_s(call.document())
        key = self._service.temporary_key(duration_s, call.now_s)
        credential = {
            "access": key.access,
            "secret": key.secret,
            "securitytoken": key.security_token,
            "expires_at": micros_text(key.expires_at_s or 0.0),
        }
        return answer({"credential": credential}, status=201)

    def versions(self, call: Call) -> Reply:
        # One address serves two services; the root speaks for images alone, since a
        # client that finds a version 3 there takes it for the image service's.
        image = [
            _version(f"v2.{minor}", status, f"{call.base_url}/v2/")
            for minor, status in ((4, "CURRENT"), (3, "SUPPORTED"), (0, "SUPPORTED"))
        ]
        return answer({"versions": image}, status=_MULTIPLE_CHOICES)

    def identity_version(self, call: Call) -> Reply:
        version = _version("v3.14", "stable", f"{call.base_url}/v3/")
        return answer({"version": version})

    def _token_document(
        self, token: Token, call: Call, *, with_catalog: bool
    ) -> dict[str, object]:
        domain = {"id": token.user.domain_id, "name": token.user.domain_name}
        document: dict[str, object] = {
            "methods": token.methods,
            "expires_at": micros_text(token.expires_s),
            "issued_at": micros_text(token.issued_s),
            "user": _user_document(token.user, domain),
            "roles": [{"id": "0", "name": "te_admin"}],
            "catalog": self._catalog(call) if with_catalog else [],
        }
        if token.project is None:
            document["domain"] = domain
        else:
            project = {"id": token.project.id, "name": token.project.name}
            document["project"] = {**project, "domain": domain}
        return {"token": document}

    def _catalog(self, call: Call) -> list[dict[str, object]]:
        urls = (
            ("identity", "iam", f"{call.base_url}/v3"),
            ("image", "ims", call.base_url),
            ("ims", "ims", call.base_url),
        )
        return [
            {
                "id": hex_id("service", kind),
                "type": kind,
                "name": name,
                "endpoints": [self._endpoint(kind, url)],
            }
            for kind, name, url in urls
        ]

    def _endpoint(self, kind: str, url: str) -> dict[str, object]:
        return {
            "id": hex_id("endpoint", kind),
            "interface": "public",
            "region": self._options.region,
            "region_id": self._options.region,
            "url": url,
        }

    def _project_document(self, project: Project, url: str) -> dict[str, object]:
        domain_id = self._options.users[0].domain_id
        return {
            "id": project.id,
            "name": project.name,
            "domain_id": domain_id,
            "parent_id": domain_id,
            "enabled": True,
            "is_domain": False,
            "description": "",
            "links": {"self": f"{url}/{project.id}"},
        }


def _user_document(user: UserAccount, domain: dict[str, str]) -> dict[str, object]:
    return {
        "id": user.id,
        "name": user.name,
        "domain": domain,
        "password_expires_at": "",
    }


def _version(version: str, status: str, url: str) -> dict[str, object]:
    links = [{"rel": "self", "href": url}]
    return {"id": version, "status": status, "links": links}


def _duration_s(document: dict[str, object]) -> int:
    found: object = document
    for name in ("auth", "identity", "token", "duration_seconds"):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, int) else _DEFAULT_TEMPORARY_S
