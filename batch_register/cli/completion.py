"""`completion`: the script that makes a shell complete our command lines.

Decides: nothing; the script is click's own. Must not know: what is completed.
"""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from batch_register.cli import PROGRAM, stdout
from batch_register.cli.pages import Page

_VARIABLE = "_BATCH_REGISTER_COMPLETE"  # what click derives from the program's name


@click.command(
    "completion",
    cls=Page,
    examples=(
        "completion bash > batch-register",
        "completion zsh > _batch-register",
        "completion fish > batch-register.fish",
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script that makes SHELL complete commands.

    It completes commands, options, their choices, manifests, ledgers, their keys and
    the names in clouds.yaml. Its place: for bash ~/.local/share/bash-completion/completions,
    for zsh a folder of fpath, for fish ~/.config/fish/completions. In bash it can also be
    loaded at once: eval "$(batch-register completion bash)".
    """
    shell_class = get_completion_class(shell)
    if shell_class is None:  # click knows all that the argument allows
        raise AssertionError(shell)
    script = shell_class(ctx.find_root().command, {}, PROGRAM, _VARIABLE).source()
    stdout.write(script)
