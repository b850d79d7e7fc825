"""What a process loads for the command that it runs; errors and exit codes are tested with the commands."""

from __future__ import annotations

import subprocess
import sys

import pytest

_SCRIPT = """
import sys
from tuishare.cli import main, run_agent
run_agent.run_foreground = lambda *, verbose: print(
    verbose, *(name for name in ('typer', 'rich', 'pydantic', 'textual') if name in sys.modules)
)
main()
"""

_DASHBOARD_SCRIPT = """
import sys
from tuishare.cli import dashboard, main
from tuishare.tui import live_app
dashboard.run_dashboard = lambda: print(
    *(name for name in ('typer', 'aiohttp', 'tuishare.tui.screens.form') if name in sys.modules)
)
main()
"""


def loaded(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_agent_loads_nothing_that_reads_a_command_line() -> None:
    assert loaded("agent") == "False\n"


@pytest.mark.parametrize("option", ["--verbose", "-v"])
def test_its_options_are_read_as_those_of_any_command(option: str) -> None:
    assert loaded("agent", option).startswith("True typer")


def test_the_first_frame_waits_for_no_command_line_no_answer_and_no_dialog() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _DASHBOARD_SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout == "\n"
