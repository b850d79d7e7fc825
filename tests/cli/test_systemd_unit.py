"""The text of the unit: what is filled in, how it is quoted, and how little it may."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tuishare.cli.package_data import Shipped, read_shipped
from tuishare.cli.systemd_unit import Installation, quote, read_writable, render_unit
from tuishare.net.descriptors import ENOUGH

TEMPLATE = read_shipped(Shipped.SERVICE_UNIT)
WRITABLE = [Path('/home/a b/50% "off"'), Path("/srv/drop")]


def installation(**changes: object) -> Installation:
    values = {
        "command": ("/opt/my venv/bin/python", "-m", "tuishare", "$HOME %h"),
        "writable": WRITABLE,
        "environment": {"TUISHARE_HOME": "/home/a b"},
        "version": 255,
    }
    return Installation(**{**values, **changes})  # type: ignore[arg-type]


def settings(unit: str) -> dict[str, str]:
    return dict(re.findall(r"(?m)^(\w+)=(.*)$", unit))


def test_what_differs_is_filled_in_and_quoted() -> None:
    unit = settings(render_unit(TEMPLATE, installation()))
    assert unit["ExecStart"] == '"/opt/my venv/bin/python" "-m" "tuishare" "$$HOME %%h"'
    assert unit["ReadWritePaths"] == '"-/home/a b/50%% \\"off\\"" "-/srv/drop"'
    assert unit["Environment"] == '"TUISHARE_HOME=/home/a b"'
    assert unit["Type"] == "notify-reload"
    assert "ExecReload" not in unit


def test_an_older_systemd_reloads_by_signal() -> None:
    unit = settings(render_unit(TEMPLATE, installation(version=252)))
    assert (unit["StartLimitIntervalSec"], unit["RestartSec"]) == ("0", "10")  # never given up
    assert "RestartSteps" not in unit
    assert (unit["Type"], unit["ExecReload"]) == ("notify", "/bin/kill -HUP $MAINPID")


def test_everything_else_is_as_shipped() -> None:
    def others(unit: str) -> list[str]:
        filled = ("ExecStart=", "ReadWritePaths=", "Environment=")
        return [line for line in unit.splitlines() if not line.startswith(filled)]

    assert others(render_unit(TEMPLATE, installation())) == others(TEMPLATE)


def test_a_folder_in_the_shared_temporary_place_can_be_seen() -> None:
    assert settings(render_unit(TEMPLATE, installation()))["PrivateTmp"] == "yes"
    shared = installation(writable=[Path("/tmp/drop")])
    assert settings(render_unit(TEMPLATE, shared))["PrivateTmp"] == "no"


@pytest.mark.parametrize("path", ["a\nExecStart=/bin/evil", 'a" "b', "a\\", "a\tb"])
def test_no_path_breaks_out_of_its_line_or_its_quotes(path: str) -> None:
    unit = render_unit(TEMPLATE, installation(writable=[Path("/srv") / path]))
    (line,) = [line for line in unit.splitlines() if line.startswith("ReadWritePaths=")]
    assert re.fullmatch(r'ReadWritePaths="(?:[^"\\]|\\.)*"', line)
    assert unit.count("ExecStart=") == unit.count("\nExecStart=") + path.count("ExecStart=")
    assert len(unit.splitlines()) == len(render_unit(TEMPLATE, installation()).splitlines())


@pytest.mark.parametrize("name", ["a b", "ä %h", 'a" "-b', "a\\", "a\\n\nb", "%%", "-"])
def test_what_it_may_write_to_can_be_read_again(name: str) -> None:
    writable = (Path("/srv") / name, Path("/other"))
    assert read_writable(render_unit(TEMPLATE, installation(writable=writable))) == writable


def test_a_unit_of_somebody_else_says_nothing() -> None:
    assert read_writable("") == read_writable("ReadWritePaths=/a /b\n") == ()


def test_quoting_knows_specifiers() -> None:
    assert quote("100 %") == '"100 %%"'


def analyze(tmp_path: Path, *words: object) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    runtime = tmp_path / "runtime"
    runtime.mkdir(exist_ok=True)
    return subprocess.run(
        ["systemd-analyze", "--user", *map(str, words)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(runtime)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    path = tmp_path / "tuishare.service"
    rendered = render_unit(TEMPLATE, installation(command=("/bin/true", "agent"), version=252))
    path.write_text(rendered)
    return path


def test_a_fault_cannot_take_all_memory() -> None:
    unit = settings(render_unit(TEMPLATE, installation()))
    assert (unit["MemoryHigh"], unit["MemoryMax"]) == ("1G", "2G")


def test_systemd_takes_it_without_a_word(tmp_path: Path, unit: Path) -> None:
    said = analyze(tmp_path, "verify", unit)
    assert [line for line in said.stderr.splitlines() if unit.name in line] == []


def test_systemd_sees_the_mistakes_that_it_is_asked_about(tmp_path: Path, unit: Path) -> None:
    unit.write_text(unit.read_text().replace("WatchdogSec=120", "WatchdogSec=often"))
    assert f"{unit}:" in analyze(tmp_path, "verify", unit).stderr


def test_it_may_little(tmp_path: Path, unit: Path) -> None:
    said = analyze(tmp_path, "security", "--offline=true", unit).stdout
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert exposure is not None, said
    assert float(exposure[1]) <= 2.0


def test_many_files_may_be_open() -> None:
    assert int(settings(TEMPLATE)["LimitNOFILE"]) == ENOUGH
