"""The way in: `batch-register` and `python -m batch_register`.

Decides: only that `--version` needs no import. Must not know: the commands.
"""

from __future__ import annotations

import sys

from batch_register import __version__


def main() -> int:
    """Run the command line and return the exit code."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"batch-register {__version__}\n")
        return 0
    # Here and not above: importing click takes four times what Python itself does.
    from batch_register.cli import main as run_command_line  # noqa: PLC0415

    return run_command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
