"""Data files of the installation: the templates of the settings files and the service unit.

Owns their paths: inside the package when installed, beside it in a checkout (pyproject.toml, force-include).
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path

import tuishare
from tuishare.errors import SystemFailed, from_os_error


class Shipped(Enum):
    """A data file: its name in the package, its path in a checkout."""

    CONFIG_TEMPLATE = ("config.template.toml", "config/tuishare.toml")
    HUB_TEMPLATE = ("hub.template.toml", "config/hub.toml")
    SERVICE_UNIT = ("tuishare.service", "systemd/tuishare.service")


def read_shipped(which: Shipped) -> str:
    """Return the text of a data file.

    Raises:
        SystemFailed: it is missing, so the installation is incomplete.
    """
    installed, in_checkout = which.value
    package = Path(tuishare.__file__).parent
    for path in (package / installed, package.parent / in_checkout):
        try:
            return path.read_text()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise from_os_error(error, f"read {path}") from error
    raise SystemFailed(f"{installed} is missing from this installation", hint="Install tuishare again.")
