"""Tokens of the identity service: who asked, for which project, valid until when.

Source: IAM API reference, "Obtaining a user token through password authentication" and
its sisters. A token may die before the time that it carries: ``revoke_all``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from batch_register.simulator.draws import hex_id
from batch_register.simulator.options import (
    AccessKey,
    Project,
    SimulatorOptions,
    UserAccount,
)
from batch_register.simulator.refusals import Refusal, identity

_T = TypeVar("_T")

# Real tokens are CMS blobs of some kilobytes, in base64; only the look matters.
_CMS_HEAD = "MII"
_CMS_PIECES = 30
_TEMPORARY_KEY_RANGE_S = (900, 86400)


@dataclass(slots=True, kw_only=True)
class Token:
    """An issued token; times in epoch seconds."""

    text: str
    user: UserAccount
    project: Project | None
    methods: list[str]
    issued_s: float
    expires_s: float
    revoked_s: float | None = None

    def works_at(self, now_s: float) -> bool:
        """Say whether the token is accepted."""
        revoked = self.revoked_s is not None and now_s >= self.revoked_s
        return now_s < self.expires_s and not revoked


class Identity:
    """Users, projects, tokens and keys."""

    def __init__(self, options: SimulatorOptions) -> None:
        self._options = options
        self._tokens: dict[str, Token] = {}
        self._keys = {key.access: key for key in options.access_keys}
        self._issued = 0

    def authenticate(
        self, document: dict[str, object], now_s: float, *, caller: str | None = None
    ) -> Token:
        """Issue a token for the body of ``POST /v3/auth/tokens``.

        ``caller`` is the token of the request itself, which an agency asks for.

        Raises:
            Refusal: wrong credentials (401), or a body that makes no sense (400).
        """
        auth = _object(document, "auth")
        proof = _object(auth, "identity")
        methods = proof.get("methods")
        if not isinstance(methods, list) or not methods:
            raise identity(400, "Expecting to find methods in identity.")
        match methods[0]:
            case "password":
                user, project = self._by_password(proof), None
            case "application_credential":
                user, project = self._by_application_credential(
                    _object(proof, "application_credential")
                )
            case "token":
                user, project = self._by_token(_object(proof, "token"), now_s)
            case "assume_role":
                role = _object(proof, "assume_role")
                user, project = self._by_agency(role, caller, now_s), None
            case other:
                raise identity(401, f"Attempted to use unsupported method {other}.")
        scope = auth.get("scope")
        if isinstance(scope, dict) and "project" in scope:
            project = self._scoped(_object(scope, "project"))
        return self._issue(user, project, [str(m) for m in methods], now_s)

    def find(self, text: str) -> Token | None:
        """Return the token of that text, whether or not it still works."""
        return self._tokens.get(text)

    def revoke_all(self, at_s: float) -> int:
        """Make every token that was issued so far fail from a time on."""
        for token in self._tokens.values():
            token.revoked_s = min(at_s, token.revoked_s or at_s)
        return len(self._tokens)

    def find_key(self, access: str) -> AccessKey | None:
        """Return the key pair of an access key."""
        return self._keys.get(access)

    def temporary_key(self, duration_s: int, now_s: float) -> AccessKey:
        """Make a key pair that needs its security token.

        Raises:
            Refusal: a duration outside 900 to 86400 s.
        """
        shortest_s, longest_s = _TEMPORARY_KEY_RANGE_S
        if not shortest_s <= duration_s <= longest_s:
            message = f"duration_seconds must be {shortest_s} to {longest_s}."
            raise identity(400, message)
        self._issued += 1
        label = (self._options.seed, now_s, self._issued)
        key = AccessKey(
            access=hex_id("temporary access", *label)[:20].upper(),
            secret=hex_id("temporary secret", *label),
            security_token=hex_id("security token", *label) * 4,
            expires_at_s=now_s + duration_s,
        )
        self._keys[key.access] = key
        return key

    def projects_named(self, name: str | None) -> list[Project]:
        """Return the projects of that name, or all of them."""
        projects = self._options.projects
        return [project for project in projects if name in {None, project.name}]

    def _issue(
        self,
        user: UserAccount,
        project: Project | None,
        methods: list[str],
        now_s: float,
    ) -> Token:
        self._issued += 1
        label = (self._options.seed, now_s, self._issued)
        pieces = (hex_id("token", *label, n) for n in range(_CMS_PIECES))
        lifetime_s = self._options.token_lifetime_s
        early_s = self._options.token_revoked_after_s
        token = Token(
            text=_CMS_HEAD + "".join(pieces),
            user=user,
            project=project,
            methods=methods,
            issued_s=now_s,
            expires_s=now_s + lifetime_s,
            revoked_s=None if early_s is None else now_s + early_s,
        )
        self._tokens[token.text] = token
        return token

    def _by_password(self, proof: dict[str, object]) -> UserAccount:
        wanted = _object(_object(proof, "password"), "user")
        user = self._find_user(wanted)
        if user is None or wanted.get("password") != user.password:
            raise _wrong()
        if user.passcode is not None:
            second = _object(_object(proof, "totp"), "user")
            if (self._find_user(second), second.get("passcode")) != (
                user,
                user.passcode,
            ):
                raise _wrong()
        return user

    def _by_application_credential(
        self, proof: dict[str, object]
    ) -> tuple[UserAccount, Project | None]:
        for user in self._options.users:
            for credential in user.application_credentials:
                same_id = proof.get("id") == credential.id
                same_name = (
                    proof.get("name") == credential.name
                    and self._find_user(_object(proof, "user")) == user
                )
                if (same_id or same_name) and proof.get("secret") == credential.secret:
                    project_id = credential.project_id or self._options.project_id
                    return user, self._project(project_id)
        raise _wrong()

    def _by_token(
        self, proof: dict[str, object], now_s: float
    ) -> tuple[UserAccount, Project | None]:
        token = self.find(str(proof.get("id")))
        if token is None or not token.works_at(now_s):
            raise _wrong()
        return token.user, token.project

    def _by_agency(
        self, role: dict[str, object], caller: str | None, now_s: float
    ) -> UserAccount:
        token = self.find(caller or "")
        if token is None or not token.works_at(now_s):
            raise identity(401, "The request you have made requires authentication.")
        for agency in self._options.agencies:
            account = (role.get("domain_name"), role.get("domain_id"))
            if (
                role.get("agency_name") == agency.name
                and account in {(agency.domain_name, None), (None, agency.domain_id)}
                and token.user.domain_name == agency.delegated_domain_name
            ):
                return UserAccount(
                    name=f"{agency.domain_name}/{agency.name}",
                    id=hex_id("agency", agency.name),
                    domain_name=agency.domain_name,
                    domain_id=agency.domain_id,
                )
        raise identity(403, "You are not authorized to perform the requested action.")

    def _find_user(self, wanted: dict[str, object]) -> UserAccount | None:
        if "id" in wanted:
            return _first(u for u in self._options.users if u.id == wanted["id"])
        domain = wanted.get("domain")
        domain = domain if isinstance(domain, dict) else {}
        return _first(
            user
            for user in self._options.users
            if user.name == wanted.get("name")
            and (
                domain.get("name") == user.domain_name
                or domain.get("id") == user.domain_id
            )
        )

    def _project(self, project_id: str) -> Project | None:
        return _first(p for p in self._options.projects if p.id == project_id)

    def _scoped(self, wanted: dict[str, object]) -> Project:
        for project in self._options.projects:
            if wanted.get("id", project.id) != project.id:
                continue
            if wanted.get("name", project.name) == project.name:
                return project
        raise _wrong()


def _first(items: Iterable[_T]) -> _T | None:
    return next(iter(items), None)


def _object(document: dict[str, object], name: str) -> dict[str, object]:
    found = document.get(name)
    if not isinstance(found, dict):
        raise identity(400, f"Expecting to find {name} in the request body.")
    return found


def _wrong() -> Refusal:
    return identity(401, "The username or password is wrong.")
