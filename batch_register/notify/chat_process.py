"""The process in which Apprise delivers one letter; it ends with 0 where it arrived.

Decides: that it ends at once, without waiting for anyone's threads, and in any case after
`longest_s`, should nobody be left to end it. Must not know: why there is a letter.
"""

from __future__ import annotations

import json
import os
import signal
import sys

import apprise


def main() -> bool:
    """Read a task from standard input; return whether its letter arrived."""
    task = json.load(sys.stdin)
    signal.setitimer(signal.ITIMER_REAL, task["longest_s"])
    service = apprise.Apprise()
    service.add(task["url"])
    kind = apprise.NotifyType
    return bool(
        service.notify(
            title=task["title"],
            body=task["text"],
            notify_type=kind.FAILURE if task["is_trouble"] else kind.SUCCESS,
            body_format=apprise.NotifyFormat.TEXT,
        )
    )


if __name__ == "__main__":
    # Not `sys.exit`: Python would wait for Apprise's pools of threads.
    os._exit(0 if main() else 1)
