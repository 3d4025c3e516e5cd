"""What `oslo.utils` objects to in an image file: the check that Glance and Nova make.

Decides: what of its verdict is shown. Must not know: layouts. Source: oslo.utils,
`imageutils.format_inspector`. Imported only when asked: it comes with the extra `obs`.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from batch_register.errors import SettingsError


def objection(disk_format: str, *chunks: bytes) -> str:
    """Return why the library calls a file of that format unsafe, or nothing.

    `chunks` are the file's beginning and, where the format needs it, its end. A verdict
    that it cannot come to is none.

    Raises:
        SettingsError: the library is not installed.
    """
    try:
        inspector = import_module("oslo_utils.imageutils.format_inspector")
    except ImportError as error:
        message = f"to look into a {disk_format} file, {error.name} is needed"
        hint = "install the extra: pip install 'batch-register[obs]'"
        raise SettingsError(message, hint=hint) from None
    try:
        inspector.LOG.setLevel("CRITICAL")  # it would log what hostile files hold
        judge = inspector.get_inspector(disk_format)()
        for chunk in chunks:
            judge.eat_chunk(chunk)
        judge.finish()
        judge.safety_check()
    except inspector.SafetyCheckFailed as error:
        return f"Glance and Nova refuse it as unsafe: {_told(error.failures.values())}"
    except Exception:  # noqa: BLE001 - a hostile file may break it anywhere
        return ""
    return ""


def _told(failures: Iterable[Exception]) -> str:
    return ", ".join(str(failure) for failure in failures)
