"""Real shells complete our command lines by the script that `completion` prints."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

WORDS = {
    "a command": ("batch-register sim", ["simulator"]),
    "an option of a command": ("batch-register run --poll", ["--poll-interval"]),
    "a choice": ("batch-register run --output q", ["quiet"]),
    "a manifest": ("batch-register run w", ["wave.yaml"]),
    "a ledger": ("batch-register report w", ["wave.ledger.jsonl"]),
    "a key": ("batch-register history wave.ledger.jsonl web-1", ["web-10", "web-11"]),
    "a cloud": ("batch-register plan wave.yaml --cloud n", ["never", "night"]),
    "a shell": ("batch-register completion z", ["zsh"]),
    "nothing": ("batch-register history wave.ledger.jsonl x", []),
}
# Sets the words as readline would, calls what was registered, prints what it offers.
BASH = """\
eval "$(batch-register completion bash)"
line=$1
read -ra COMP_WORDS <<< "$line"
[[ $line == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
spec=$(complete -p batch-register)
[[ $spec =~ -F\\ ([^ ]+) ]] && "${BASH_REMATCH[1]}" batch-register
printf '%s\n' "${COMPREPLY[@]}"
"""
FISH = r"""
batch-register completion fish | source
for found in (complete -C $argv[1])
    echo (string split \t -- $found)[1]
end
"""
SCRIPTS = {"bash": BASH, "fish": FISH}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a program, a manifest, its ledger and a clouds.yaml."""
    folder = tmp_path_factory.mktemp("shells")
    program = folder / "bin" / "batch-register"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m batch_register "$@"\n')
    program.chmod(0o755)
    images = "".join(f"  - {{name: {n}, object: {n}.raw}}\n" for n in KEYS)
    (folder / "wave.yaml").write_text(
        "version: 1\nname: wave\ndefaults: {bucket: bucket-1, min_disk: 40, "
        f"os_version: Ubuntu 22.04 server 64bit}}\nimages:\n{images}"
    )
    (folder / "clouds.yaml").write_text("clouds: {night: {}, day: {}, never: {}}\n")
    subprocess.run(
        [
            *(sys.executable, "-m", "batch_register", "run", "wave.yaml"),
            *("--simulate", "--output", "quiet", "--ledger", "wave.ledger.jsonl"),
        ],
        cwd=folder,
        env=environment(folder),
        check=True,
        timeout=120,
    )
    return folder


KEYS = ("web-10", "web-11", "web-20")


def environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": f"{folder}/bin:{os.environ['PATH']}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "OS_CLIENT_CONFIG_FILE": str(folder / "clouds.yaml"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }


def offered(folder: Path, shell: str, line: str) -> list[str]:
    name = [shell] if shell == "bash" else []  # its $0
    flags = ["-c", SCRIPTS[shell], *name]
    ended = subprocess.run(
        [shell, *flags, line],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ended.stderr == ""
    return ended.stdout.split()


@pytest.mark.parametrize("what", WORDS)
@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_shell_completes(folder: Path, shell: str, what: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    line, expected = WORDS[what]
    assert offered(folder, shell, line) == expected


def test_zsh_takes_the_script(folder: Path) -> None:
    """What it offers was looked at by hand: its completion needs a terminal."""
    if shutil.which("zsh") is None:
        pytest.skip("there is no zsh here")
    load = (
        "autoload -Uz compinit && compinit -u; "
        'eval "$(batch-register completion zsh)"; '
        "print -r -- ${_comps[batch-register]}"
    )
    ended = subprocess.run(
        ["zsh", "-f", "-c", load],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert (ended.stdout, ended.stderr) == ("_batch_register_completion\n", "")
