"""The home of a command that works without an agent.

Owns loading places, settings, identity, users and database, and the early check of the output folder.
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
    """The content of a home, read once."""

    places: Places
    config: Config
    identity: Identity
    book: UserBook

    @contextlib.contextmanager
    def database(self) -> Iterator[Database]:
        """Open the database during the block; an agent may run at the same time.

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
    """Read the home of this environment; make folders and identity on first use.

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
    """Check the output folder before long work.

    Raises:
        NotFound: it does not exist.
        BadInput: it is not a folder.
    """
    if folder.is_dir():
        return
    shown = for_display(str(folder))
    if os.path.lexists(folder):
        raise BadInput(f"{shown} is not a folder", hint="Name a folder with --output.")
    raise NotFound(f"The folder {shown} does not exist", hint="Make it first, or choose another --output.")
