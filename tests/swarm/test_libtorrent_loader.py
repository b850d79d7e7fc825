"""The guard is in place, and nobody else sees how."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_IMPORTS = [
    "tuishare.swarm",
    "tuishare.swarm.certificates",
    "tuishare.swarm.engine",
    "tuishare.swarm.settings",
]


def _run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("module", _IMPORTS)
def test_every_way_in_is_guarded(module: str) -> None:
    assert _run(f"import {module}; from tuishare.swarm import check_no_resumption as p; print(p())") == "None"


def test_children_inherit_nothing() -> None:
    code = "import os, tuishare.swarm; print(os.environ.get('OPENSSL_CONF'))"
    environment = {key: value for key, value in os.environ.items() if key != "OPENSSL_CONF"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "None"


def test_the_persons_own_setting_is_put_back_and_does_not_undo_the_guard() -> None:
    code = (
        "import os, tuishare.swarm; tuishare.swarm.check_no_resumption(); print(os.environ['OPENSSL_CONF'])"
    )
    assert _run(code, OPENSSL_CONF="/dev/null") == "/dev/null"


def test_the_configuration_is_part_of_the_package() -> None:
    from importlib.resources import files

    text = (files("tuishare.swarm") / "openssl.cnf").read_text()
    assert "Options = -SessionTicket" in text
    assert "NumTickets = 0" in text
