"""What comes with the program is found, in a checkout and in a wheel."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import tuishare
from tuishare.cli.package_data import Shipped, read_shipped
from tuishare.errors import SystemFailed

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("which", list(Shipped))
def test_it_is_what_the_repository_has(which: Shipped) -> None:
    assert read_shipped(which) == (ROOT / which.value[1]).read_text()


def test_a_wheel_has_it_inside(tmp_path: Path) -> None:
    builder = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not installed")
    (wheel,) = builder.WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        "import tuishare; from tuishare.cli.package_data import *\n"
        f"assert tuishare.__file__.startswith({str(tmp_path)!r}), tuishare.__file__\n"
        "print(*map(read_shipped, Shipped), sep='', end='')"
    )
    shipped = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert shipped == "".join((ROOT / which.value[1]).read_text() for which in Shipped)


def test_a_broken_installation_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuishare, "__file__", str(tmp_path / "tuishare" / "__init__.py"))
    with pytest.raises(SystemFailed, match="is missing from this installation"):
        read_shipped(Shipped.SERVICE_UNIT)
