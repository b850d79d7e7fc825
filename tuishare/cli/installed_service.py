"""The installed systemd user service of this home: where its unit is, and whether there is one.

Must not change it: `tuishare.cli.service` does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tuishare.cli.systemd import UNIT
from tuishare.cli.systemd_unit import read_writable
from tuishare.errors import TuishareError
from tuishare.home_paths import find_home_folder, find_places


def unit_path() -> Path:
    """Return the path of the unit, see systemd.unit(5)."""
    base = os.environ.get("XDG_CONFIG_HOME") or find_home_folder() / ".config"
    return Path(base) / "systemd" / "user" / UNIT


def is_installed() -> bool:
    """Return whether the service of this home is installed."""
    try:
        allowed = read_writable(unit_path().read_text(errors="replace"))
        return is_covered(find_places().state, allowed)
    except (OSError, TuishareError):
        return False


def is_covered(place: Path, allowed: Sequence[Path]) -> bool:
    """Return whether a place is in one of the folders that a service may write to."""
    return any(place.is_relative_to(folder) for folder in allowed)
