"""``tuishare config …``: the settings, shown, checked, created and changed.

Owns the dialogue with the user; the checks that need more than the file are in `tuishare.core.settings_rules`.
"""

from __future__ import annotations

import msgspec

from tuishare.api.messages import Reloaded, SettingChange
from tuishare.api.service import HomeService
from tuishare.cli.edit_home import edit_home, report_effect
from tuishare.cli.json_output import print_json
from tuishare.cli.package_data import Shipped, read_shipped
from tuishare.cli.terminal import print_rows, say
from tuishare.config.model import Config, load_config
from tuishare.core import settings_rules
from tuishare.errors import Refused
from tuishare.home_paths import find_places


def print_path() -> None:
    """Print the path of the settings file, whether it exists or not."""
    print(find_places().config_file)


def show_config(*, as_json: bool) -> None:
    """Print all settings, with defaults for those that the file leaves out."""
    config = load_config(find_places())
    if as_json:
        print_json(config)
        return
    print_rows(("setting", "value"), _rows(config))


def check_config_file() -> None:
    """Check the settings as far as that is possible without starting an agent.

    Raises:
        BadConfiguration: they are not usable.
    """
    places = find_places()
    config = load_config(places)
    settings_rules.check_deeply(config, places)
    if places.config_file.exists():
        say(f"{places.config_file} is valid.")
    else:
        say(f"There is no {places.config_file}; defaults apply. `tuishare config init` creates one.")


def install_template() -> None:
    """Create the settings file from the commented template.

    Raises:
        Refused: the file exists already; it stays as it is.
    """
    path = find_places().config_file
    template = read_shipped(Shipped.CONFIG_TEMPLATE)

    async def create(home: HomeService) -> Reloaded:
        if path.exists():
            raise Refused(f"{path} exists already", hint="Edit it, or use `tuishare config set KEY VALUE`.")
        before = await home.settings()
        return await home.write_settings(msgspec.structs.replace(before, text=template))

    edit_home(create)
    say(f"Wrote {path}; each setting in it is a comment that shows the default or an example.")


def change_setting(key: str, value: str) -> None:
    """Change one setting.

    Raises:
        BadInput: there is no such setting, or it cannot have that value; the file stays as it is.
    """
    report_effect(edit_home(lambda home: home.change_setting(SettingChange(key=key, value=value))), key)


def _rows(config: Config) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in msgspec.to_builtins(config).items():
        if isinstance(value, dict):
            rows += [(f"{key}.{inner}", _show_value(of)) for inner, of in value.items()]
        elif isinstance(value, list):
            rows += [
                (key, f"{drop['path']} → {' '.join(drop['users'])} ({drop['transport']})") for drop in value
            ]
        else:
            rows.append((key, _show_value(value)))
    return rows


def _show_value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
