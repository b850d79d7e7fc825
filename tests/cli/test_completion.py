"""Shell completion, which typer brings along."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TUISHARE = Path(sys.executable).with_name("tuishare")


def run(home: Path, *words: str, **variables: str) -> str:
    environment = {**os.environ, "HOME": str(home), "SHELL": "/bin/bash", **variables}
    return subprocess.run(
        [TUISHARE, *words], env=environment, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture(autouse=True)
def _installed() -> None:
    if not TUISHARE.exists():
        pytest.skip("the command itself is not installed")


def test_the_script_can_be_shown_and_installed(tmp_path: Path) -> None:
    # typer asks the processes above us which shell this is, so one has to be there.
    words = f'"{TUISHARE}" --show-completion; "{TUISHARE}" --install-completion; :'
    environment = {**os.environ, "HOME": str(tmp_path)}
    said = subprocess.run(["bash", "-c", words], env=environment, capture_output=True, text=True, check=True)
    assert "complete -o default -F _tuishare_completion tuishare" in said.stdout
    assert "bash completion installed" in said.stdout
    script = tmp_path / ".bash_completions" / "tuishare.sh"
    assert str(script) in (tmp_path / ".bashrc").read_text()
    subprocess.run(["bash", "-n", script], check=True)


def test_words_are_completed(tmp_path: Path) -> None:
    def complete(words: str) -> list[str]:
        return run(
            tmp_path,
            _TUISHARE_COMPLETE="complete_bash",
            COMP_WORDS=words,
            COMP_CWORD=str(len(words.split(" ")) - 1),
        ).split()

    assert complete("tuishare us") == ["user"]
    assert complete("tuishare user ver") == ["verify"]
    assert "install" in complete("tuishare service ")
