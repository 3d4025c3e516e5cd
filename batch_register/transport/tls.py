"""Whom we trust and who we are, on an encrypted connection.

Decides: how certificate files become a TLS context. Must not know: requests, hosts.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from batch_register.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class Tls:
    """Certificate files; the context is made when first asked for, and kept.

    `ca_file` replaces the system's own authorities, as it does for openstacksdk.
    """

    verify: bool = True
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None  # None: the key is in `cert_file`

    @property
    def has_files(self) -> bool:
        """Return whether a file has to be read, which may fail."""
        return self.ca_file is not None or self.cert_file is not None

    @cached_property
    def context(self) -> ssl.SSLContext:
        """Return the TLS context.

        Raises:
            SettingsError: a file cannot be read or is not in PEM form.
        """
        context = self._trusting()
        # What servers expect of an HTTP/1.1 client (RFC 7301).
        context.set_alpn_protocols(["http/1.1"])
        if self.cert_file is not None:
            self._identify(context, self.cert_file)
        return context

    def _trusting(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as exc:
            files = f"cacert {self.ca_file}"
            raise _unreadable(files, exc) from None
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _identify(self, context: ssl.SSLContext, cert_file: Path) -> None:
        try:
            # A password is refused rather than asked for: nobody watches at night.
            context.load_cert_chain(cert_file, self.key_file, password=_no_password)
        except (OSError, ssl.SSLError, ValueError) as exc:
            files = f"cert {cert_file}, key {self.key_file or cert_file}"
            raise _unreadable(files, exc) from None


def _no_password() -> str:
    message = "the key is encrypted"
    raise ValueError(message)


def _unreadable(files: str, exc: Exception) -> SettingsError:
    reason = getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
    message = f"cannot use {files}: {reason}"
    hint = "give the path of a readable, unencrypted file in PEM form"
    return SettingsError(message, hint=hint)
