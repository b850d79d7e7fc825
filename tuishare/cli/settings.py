"""``tuishare config …``: the settings, shown, checked, installed and changed.

Owns the dialogue with the person; the checks that need more than the file are `tuishare.core.settings_rules`.
"""

from __future__ import annotations

import msgspec

from tuishare.cli.package_data import Shipped, read_shipped
from tuishare.cli.reload import take_effect
from tuishare.cli.terminal import print_rows, say
from tuishare.config.model import Config, load_config
from tuishare.core import settings_rules
from tuishare.errors import Refused
from tuishare.fs.atomic import make_private, publish
from tuishare.home_paths import find_places


def print_path() -> None:
    """Print where the settings are, whether there are any or not."""
    print(find_places().config_file)


def show_config(*, as_json: bool) -> None:
    """Print what is in force, defaults included."""
    config = load_config(find_places())
    if as_json:
        print(msgspec.json.encode(config).decode())
        return
    print_rows(("setting", "value"), _rows(config))


def check_config_file() -> None:
    """Check everything that can be known without starting.

    Raises:
        BadConfiguration: something is wrong.
    """
    places = find_places()
    config = load_config(places)
    settings_rules.check_deeply(config, places)
    if places.config_file.exists():
        say(f"{places.config_file} is fine.")
    else:
        say(f"There is no {places.config_file}: the defaults hold. `tuishare config init` makes one.")


def install_template() -> None:
    """Put the commented template where the settings belong.

    Raises:
        Refused: there is a file already; it stays as it is.
    """
    places = find_places()
    make_private(places.config)
    try:
        publish(places.config_file, read_shipped(Shipped.CONFIG_TEMPLATE).encode(), replace=False)
    except FileExistsError as error:
        raise Refused(
            f"{places.config_file} exists already", hint="Edit it, or use `tuishare config set KEY VALUE`."
        ) from error
    say(f"Wrote {places.config_file}; every setting in it is a comment that shows the default or an example.")


def change_setting(key: str, value: str) -> None:
    """Set one setting.

    Raises:
        BadInput: there is no such setting, or it cannot have that value; the file stays as it is.
    """
    settings_rules.change_setting(find_places(), key, value)
    take_effect(key)


def _rows(config: Config) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in msgspec.to_builtins(config).items():
        if isinstance(value, dict):
            rows += [(f"{key}.{inner}", _word(of)) for inner, of in value.items()]
        elif isinstance(value, list):
            rows += [
                (key, f"{drop['path']} → {' '.join(drop['users'])} ({drop['transport']})") for drop in value
            ]
        else:
            rows.append((key, _word(value)))
    return rows


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
