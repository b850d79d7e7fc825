"""The common settings that have a field of their own; all others are in the settings file.

Owns which these are, and how they are read from the text of the file. Pure.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting that has a field.

    Attributes:
        key: dotted, as in the file.
        label: at most 12 cells.
        default: value while the file has none.
        hint: what the value means, or its form.
    """

    key: str
    label: str
    default: str
    hint: str

    @property
    def control(self) -> str:
        """Id of its control."""
        return self.key.replace(".", "-")


SETTINGS: Final = (
    Setting("name", "Your name", "", "on your card"),
    Setting("limits.upload", "Upload", "0", "per second, such as 5MiB; 0: unlimited"),
    Setting("limits.download", "Download", "0", "per second, such as 5MiB; 0: unlimited"),
    Setting("limits.active_downloads", "Active", "0", "downloads at a time; 0: unlimited"),
    Setting("downloads.seed_days", "Seed days", "7.0", "days after delivery; 0: none"),
    Setting("downloads.seed_ratio", "Seed ratio", "0.0", "ends seeding earlier; 0: never"),
    Setting("inbox.quota", "Quota", "0", "in progress per sender, such as 50GiB; 0: unlimited"),
    Setting("network.listen", "Port", ":50007", "[ADDRESS]:PORT for TLS swarms"),
    Setting("network.listen_plain", "Plain port", "", "[ADDRESS]:PORT; empty: no plain swarms"),
    Setting("network.public_host", "Public host", "", "name or address where peers reach this agent"),
)
DESKTOP: Final = Setting("notifications.desktop", "Notify", "true", "")


def read_settings(text: str) -> dict[str, str]:
    """Read the settings that have a field; defaults where the file has none or is not TOML."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        tables = {}
    return {setting.key: _find(tables, setting) for setting in (*SETTINGS, DESKTOP)}


def _find(tables: dict[str, object], setting: Setting) -> str:
    value: object = tables
    for part in setting.key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return setting.default
    return str(value).lower() if isinstance(value, bool) else str(value)
