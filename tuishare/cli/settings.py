"""``tuishare config …``: the settings, shown, checked, installed and changed.

Owns the dialogue with the person, and the checks that need more than the file: names and addresses.
"""

from __future__ import annotations

import msgspec

from tuishare.cli.reload import take_effect
from tuishare.cli.shipped import Shipped, read_shipped
from tuishare.cli.terminal import print_rows, say
from tuishare.config import Config, load_config
from tuishare.config_file import edit_config, set_value
from tuishare.errors import BadConfiguration, BadInput, Refused, TuishareError
from tuishare.paths import Places, find_places, make_private, publish
from tuishare.people import load_book, validate_name


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
    check_deeply(config, places)
    if places.config_file.exists():
        say(f"{places.config_file} is fine.")
    else:
        say(f"There is no {places.config_file}: the defaults hold. `tuishare config init` makes one.")


def check_deeply(config: Config, places: Places) -> None:
    """Check what `tuishare.config` cannot know: whether the name, the addresses and the users are usable.

    Raises:
        BadConfiguration: one is not.
    """
    from tuishare.swarm.settings import listen_endpoints

    try:
        validate_name(config.name)
        for address in filter(None, (config.network.listen, config.network.listen_plain)):
            listen_endpoints(address)
        book = load_book(places.users_file)
        for folder in config.drop:
            book.resolve(folder.users)
    except BadConfiguration:
        raise
    except TuishareError as error:
        raise BadConfiguration(f"{places.config_file}: {error.detail}", hint=error.hint) from error


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
    say(f"Wrote {places.config_file}; every setting in it is a comment that shows the default.")


def change_setting(key: str, value: str) -> None:
    """Set one setting.

    Raises:
        BadInput: there is no such setting, or it cannot have that value; the file stays as it is.
    """
    places = find_places()

    def change(text: str) -> str:
        _check_word(key, value)
        return set_value(text, key, value)

    edit_config(places, change)
    take_effect()


def _check_word(key: str, value: str) -> None:
    match key:
        case "name":
            validate_name(value)
        case "network.listen" | "network.listen_plain" if value:
            from tuishare.swarm.settings import listen_endpoints

            listen_endpoints(value)
        case "network.listen":
            raise BadInput("network.listen must not be empty", hint='":0" listens on any free port.')
        case _:
            pass


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
