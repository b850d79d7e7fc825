"""Changes of the folders and settings of a home.

Owns the rules that need more than the settings file, such as known users and valid addresses. Used by the agent and by
commands that work without one. Blocking: the agent calls it on a thread.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from tuishare.config.editing import (
    edit_config,
    put_drop,
    put_introduced_group,
    remove_drop,
    replace_config,
    set_value,
)
from tuishare.config.model import Config, Transport, load_config
from tuishare.core.drop_marker import remove_marker, write_marker
from tuishare.errors import BadConfiguration, BadInput, TuishareError, from_os_error
from tuishare.fs.atomic import require_text
from tuishare.home_paths import Places
from tuishare.people import User, load_book, validate_name


def save_drop_folder(
    places: Places, folder: Path, users: Iterable[str], transport: Transport | None
) -> tuple[User, ...]:
    """Make a folder a drop folder for these users; a missing folder is created.

    Args:
        places: of the home.
        folder: absolute, see `absolute`.
        users: names and ``@groups``; they replace those of a known drop folder.
        transport: None: unchanged, and ``tls`` for a new drop folder.

    Returns:
        The users, groups resolved.

    Raises:
        NotFound: a user or group is unknown; nothing was changed.
        BadInput: it is not a folder, its name is not UTF-8, or the settings do not allow it.
        SystemFailed: the disk refused, or a new drop folder cannot be read.
    """
    named = tuple(users)
    recipients = load_book(places.users_file).resolve(named)
    with prepared_drop_folder(places, folder):
        edit_config(places, lambda text: put_drop(text, folder, named, transport))
    return recipients


@contextlib.contextmanager
def prepared_drop_folder(places: Places, folder: Path) -> Iterator[None]:
    """Create a folder that becomes a drop folder within the block, and mark it afterwards; undone if the block fails.

    Commands do this around their request to the agent, because an agent that runs as a service cannot create folders.

    Raises:
        BadInput: it is not a folder, or its name is not UTF-8.
        SystemFailed: it cannot be created, or a new drop folder cannot be read.
    """
    require_text(str(folder))
    with _made(folder):
        known = {os.path.realpath(drop.path) for drop in load_config(places).drop}
        new = os.path.realpath(folder) not in known
        if new:
            _require_readable(folder)
        yield
    if new:
        write_marker(folder)  # it is no empty mount point, even if it is empty


def delete_drop_folder(places: Places, folder: Path) -> None:
    """Remove a drop folder from the settings; its files stay.

    Raises:
        NotFound: it is not a drop folder.
        SystemFailed: the disk refused.
    """
    edit_config(places, lambda text: remove_drop(text, folder))
    remove_marker(folder)


def change_setting(places: Places, key: str, value: str) -> None:
    """Set one setting.

    Raises:
        BadInput: the setting does not exist or cannot have this value; the file is unchanged.
        SystemFailed: the disk refused.
    """
    from tuishare.core.own_addresses import check_addresses

    def change(text: str) -> str:
        _check_word(key, value)
        return set_value(text, key, value)

    edit_config(places, change, check=lambda config: check_addresses(config, places))


def set_introduced_group(places: Places, group: str, *, introduced: bool) -> None:
    """Choose whether the members of a group are introduced to each other as they join.

    Args:
        places: of the home.
        group: without ``@``.
        introduced: whether they are.

    Raises:
        NotFound: no user is in such a group that is to be introduced.
        BadInput: that is no name of a group.
        SystemFailed: the disk refused.
    """
    name = validate_name(group)
    if introduced:
        load_book(places.users_file).resolve([f"@{name}"])
    edit_config(places, lambda text: put_introduced_group(text, name, introduced=introduced))


def write_settings(places: Places, text: str, stamp: str) -> None:
    """Replace the whole settings file.

    Raises:
        BadInput: the text is not usable, or names an unknown user; the file is unchanged.
        Refused: the file has changed since the stamp was made.
        SystemFailed: the disk refused.
    """
    replace_config(places, text, stamp=stamp, check=lambda config: check_deeply(config, places))


def check_deeply(config: Config, places: Places) -> None:
    """Check what `tuishare.config.model` cannot: the agent's name, the addresses and the users of drop folders.

    Raises:
        BadConfiguration: one of them is not usable.
    """
    from tuishare.core.own_addresses import check_addresses

    try:
        validate_name(config.name)
        check_addresses(config, places)
        book = load_book(places.users_file)
        for folder in config.drop:
            book.resolve(folder.users)
    except BadConfiguration:
        raise
    except TuishareError as error:
        raise BadConfiguration(f"{places.config_file}: {error.detail}", hint=error.hint) from error


def absolute(path: Path) -> Path:
    """Return the absolute path of a path that the user typed; links are not resolved."""
    return Path(os.path.abspath(os.path.expanduser(path)))


def _check_word(key: str, value: str) -> None:
    if key == "name":
        validate_name(value)
    elif key == "network.listen" and not value:
        raise BadInput("network.listen must not be empty", hint='":0" listens on any free port.')


def _require_readable(folder: Path) -> None:
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise from_os_error(error, f"read the folder {folder}") from error


@contextlib.contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Create a folder with its parents; what was created is removed if the block fails."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise BadInput(
            f"{folder} is not a folder", hint="Use a folder, or a path that does not exist."
        ) from error
    except OSError as error:
        raise from_os_error(error, f"make the folder {folder}") from error
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            for place in missing:
                place.rmdir()
        raise
