from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import tuishare
import tuishare.cli

HEADLESS = sorted(
    module.name
    for module in pkgutil.walk_packages(tuishare.__path__, "tuishare.")
    if module.name.startswith("tuishare.cli")
)


def test_there_are_modules() -> None:
    assert "tuishare.cli.download" in HEADLESS


@pytest.mark.parametrize("module", HEADLESS)
def test_each_module_loads_alone_and_without_a_screen(module: str) -> None:
    script = f"import sys, {module}; print(*sorted({{'textual', 'tuishare.tui'}} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr
