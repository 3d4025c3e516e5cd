"""What we know of one cloud before talking to it: where, as whom, trusting whom.

Decides: which facts a way of logging in needs. Secrets never show in a `repr`. Must not
know: which file or variable a fact came from in detail, nor how it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from batch_register.identity.signing import AccessKeys
from batch_register.transport.tls import Tls


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """An account, by id or by name; both None where nobody told."""

    id: str | None = None
    name: str | None = None

    @property
    def is_known(self) -> bool:
        """Return whether anything was told."""
        return self.id is not None or self.name is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project, by id or by name within a domain."""

    id: str | None = None
    name: str | None = None
    domain: Domain = Domain()

    @property
    def is_known(self) -> bool:
        """Return whether anything was told."""
        return self.id is not None or self.name is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user, by id or by name within a domain."""

    id: str | None = None
    name: str | None = None
    domain: Domain = Domain()


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordLogin:
    """Keystone v3, method `password`."""

    auth_url: str
    user: User
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialLogin:
    """Keystone v3, method `application_credential`: by id, or by name of a user."""

    auth_url: str
    secret: str = field(repr=False)
    credential_id: str | None = None
    credential_name: str | None = None
    user: User = User()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogin:
    """Keystone v3, method `token`: a token is exchanged for one of our project."""

    auth_url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenToken:
    """A token that is used as it is, until it is refused."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """AK/SK signatures; `auth_url` is IAM's, for looking the project up."""

    keys: AccessKeys
    auth_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginLogin:
    """Any other `auth_type`, which keystoneauth1 has to know.

    `values` are all single values of the entry, `given` those under `auth`, `methods`
    what `v3multifactor` is made of.
    """

    auth_type: str
    values: Mapping[str, str] = field(repr=False)
    given: frozenset[str]
    methods: tuple[str, ...] = ()

    @property
    def auth_url(self) -> str | None:
        """Return where the login goes; None where this type has none."""
        return self.values.get("auth_url") or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """What another account lets us do in its name; `domain` is that account."""

    name: str
    domain: Domain


Login = PasswordLogin | CredentialLogin | TokenLogin
Auth = Login | GivenToken | KeyPair | PluginLogin


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """One cloud, read and checked; `source` says where it was read, for messages."""

    name: str
    source: str
    auth: Auth
    project: Project = Project()
    agency: Agency | None = None
    region_name: str | None = None
    interface: str = "public"
    image_endpoint: str | None = None
    ims_endpoint: str | None = None
    obs_endpoint: str | None = None
    ims_profile: str | None = None
    # What to replace in the profile, as it was read; not checked yet.
    profile_overrides: Mapping[str, object] = field(default_factory=dict)
    verify: bool = True
    cacert: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    @property
    def tls(self) -> Tls:
        """Return whom connections trust and who we are to them."""
        return Tls(
            verify=self.verify,
            ca_file=self.cacert,
            cert_file=self.cert,
            key_file=self.key,
        )
