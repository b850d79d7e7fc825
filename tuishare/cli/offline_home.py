"""The home a command works in.

Owns loading what several commands need: places, settings, identity, users and, for commands that work without an
agent, the database; and finding out early whether there is a folder for what they make.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tuishare.config.model import Config, load_config
from tuishare.core.database import Database
from tuishare.errors import BadInput, NotFound, SystemFailed
from tuishare.home_paths import Places, find_places
from tuishare.people import Identity, UserBook, load_book, load_or_create_identity
from tuishare.sanitize import for_display


@dataclass(frozen=True, slots=True)
class Home:
    """What a home holds, read once."""

    places: Places
    config: Config
    identity: Identity
    book: UserBook

    @contextlib.contextmanager
    def database(self) -> Iterator[Database]:
        """Open the database for one block, beside a running agent if need be.

        Raises:
            SystemFailed: the disk or the file system refused.
        """
        database = Database(self.places.store_file)
        try:
            yield database
        except sqlite3.Error as error:
            raise SystemFailed(
                f"Cannot use the database {self.places.store_file}: {error}",
                hint="Check the free space of its disk.",
            ) from error
        finally:
            database.close()


def open_home() -> Home:
    """Read the home of this environment; folders and identity are made on first use.

    Raises:
        BadConfiguration: settings, identity or user book are not usable.
    """
    places = find_places()
    places.prepare()
    return Home(
        places,
        load_config(places),
        load_or_create_identity(places.identity_file),
        load_book(places.users_file),
    )


def require_output(folder: Path) -> None:
    """Find out before long work whether there is a folder for its result.

    Raises:
        NotFound: there is nothing.
        BadInput: it is something else.
    """
    if folder.is_dir():
        return
    shown = for_display(str(folder))
    if os.path.lexists(folder):
        raise BadInput(f"{shown} is not a folder", hint="Name a folder with --output.")
    raise NotFound(f"The folder {shown} does not exist", hint="Make it first, or choose another --output.")
