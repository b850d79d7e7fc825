"""A whole home in one file, and back into an empty home.

Owns which files belong to a home, the form of the file, and the order in which it is restored. The form is a tar file
inside an age file with a passphrase (https://age-encryption.org/v1), so that it opens without tuishare, too:
``age -d FILE | tar x``. Payloads and settings' folders are not in it. Must not ask for a passphrase.
"""

from __future__ import annotations

import io
import sqlite3
import stat
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Final

import pyrage

from tuishare.core.database import Database
from tuishare.core.home_lock import HomeLock
from tuishare.core.sqlite_errors import classify
from tuishare.errors import BadConfiguration, BadInput, Refused, VerificationFailed, from_os_error
from tuishare.fs.atomic import make_private, publish
from tuishare.fs.fsync import fsync_folder
from tuishare.home_paths import Places
from tuishare.people.identity import restoring_path
from tuishare.people.retired_keys import retired_folder

_CONFIG: Final = PurePosixPath("config")
_STATE: Final = PurePosixPath("state")
_FOLDERS: Final[Mapping[PurePosixPath, Callable[[Places], Path]]] = {
    _CONFIG: lambda places: places.config,
    _CONFIG / "retired": lambda places: retired_folder(places.identity_file),
    _STATE: lambda places: places.state,
    _STATE / "link" / "outgoing": lambda places: places.link_outgoing,
    _STATE / "link" / "incoming": lambda places: places.link_incoming,
}
"""The folders of a home by their names in the tar file."""
_DATABASES: Final = (_STATE / "tuishare.db", _STATE / "web.db")
"""All that is of the state's own folder: the rest belongs to processes."""
_IDENTITY: Final = _CONFIG / "identity.key"
_FORM: Final = PurePosixPath("form")
"""The first member of the tar file, which says how the others are to be read."""
_FORM_1: Final = b"tuishare-backup 1\n"
_NO_BACKUP: Final = "This age file is not a backup of tuishare"
_AGE: Final = b"age-encryption.org/v1\n"
_SKIPPED: Final = 1_000
"""Generations of each share that may have gone out since the backup; recipients refuse a number that they know."""


class WrongPassphrase(VerificationFailed):
    """A backup does not open with this passphrase, or it is damaged: age does not tell which."""


def make_backup(places: Places, passphrase: str) -> bytes:
    """Return a backup of a home; its agent may run meanwhile. Takes a second, and twice the backup's size of memory.

    Raises:
        Refused: there is no home yet.
        DamagedDatabase: the database cannot be read.
        SystemFailed: a file cannot be read.
    """
    if not places.identity_file.exists():
        raise Refused("There is nothing to back up: this home has no identity yet", hint="tuishare")
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, _FORM, _FORM_1)
        for name, data in _read_home(places):
            _add(archive, name, data)
    return pyrage.passphrase.encrypt(tar.getvalue(), passphrase)


def open_backup(backup: bytes, passphrase: str) -> dict[PurePosixPath, bytes]:
    """Return the files in a backup, by their names there.

    Raises:
        BadInput: this is not a backup.
        WrongPassphrase: it does not open with this passphrase, or is damaged.
        BadConfiguration: a newer version has made it.
    """
    if not backup.startswith(_AGE):
        raise BadInput("This is not a backup of tuishare", hint="A backup is made by: tuishare backup FILE")
    try:
        tar = pyrage.passphrase.decrypt(backup, passphrase)
    except pyrage.DecryptError as error:
        raise WrongPassphrase(
            "The backup does not open: the passphrase is wrong, or the file is damaged",
            hint="Try the passphrase again; otherwise use another copy of the file.",
        ) from error
    return read_archive(tar)


def restore_home(places: Places, files: Mapping[PurePosixPath, bytes]) -> None:
    """Put the files of a backup into an empty home.

    The identity appears last. Until then none is created by any command, so that an interrupted restoration can only be
    done again.

    Raises:
        BadConfiguration: a newer version has made the database.
        DamagedDatabase: the database is damaged.
        Refused: the home is not empty; nothing was changed.
        HomeInUse: another process has the home.
        SystemFailed: a file cannot be written.
    """
    places.prepare()
    lock = HomeLock(places.lock_file)
    lock.acquire()
    try:
        require_empty(places)
        _write_home(places, files)
    finally:
        lock.release()


def _read_home(places: Places) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Read what belongs to a home; the database first: what its rows refer to is there as long as the rows are."""
    for name in _DATABASES:
        path = places.state / name.name
        if path.exists():
            yield name, _copy_database(path)
    for parent, folder_of in _FOLDERS.items():
        folder = folder_of(places)
        if parent == _STATE or not folder.is_dir():
            continue
        for path in sorted(folder.iterdir()):
            if path.name.startswith(".") or path.is_symlink() or not path.is_file():
                continue
            try:
                yield parent / path.name, path.read_bytes()
            except FileNotFoundError:
                continue  # handed over meanwhile
            except OSError as error:
                raise from_os_error(error, f"read {path}") from error


def _copy_database(path: Path) -> bytes:
    """Return a database as it is between two transactions."""
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(":memory:")) as copy:
            source.backup(copy)
            return copy.serialize()
    except sqlite3.Error as error:
        raise classify(error, path) from error


def _add(archive: tarfile.TarFile, name: PurePosixPath, data: bytes) -> None:
    member = tarfile.TarInfo(str(name))
    member.size, member.mode = len(data), stat.S_IRUSR | stat.S_IWUSR
    archive.addfile(member, io.BytesIO(data))


def read_archive(tar: bytes) -> dict[PurePosixPath, bytes]:
    """Return the files in a backup's tar file, by their names there.

    Raises:
        BadInput: it is not one, or there is something else in it.
        BadConfiguration: a newer version has made it.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            files = dict(_read_members(archive))
    except tarfile.TarError as error:
        raise BadInput(_NO_BACKUP) from error
    if files.pop(_FORM, None) is None:
        raise BadInput(_NO_BACKUP)
    if _IDENTITY not in files:
        raise BadInput("There is no identity in this backup")
    return files


def _read_members(archive: tarfile.TarFile) -> Iterator[tuple[PurePosixPath, bytes]]:
    for member in archive:
        name = PurePosixPath(member.name)
        content = archive.extractfile(member) if member.isreg() else None
        if content is None or not _is_known(name):
            raise BadInput(_NO_BACKUP)
        data = content.read()
        if name == _FORM and data != _FORM_1:
            raise BadConfiguration("This backup was made by a newer tuishare", hint="Update tuishare.")
        yield name, data


def _is_known(name: PurePosixPath) -> bool:
    """Return whether a file of that name belongs to a home; no other one is ever written."""
    if name == _FORM or name in _DATABASES:
        return True
    return name.parent in _FOLDERS and name.parent != _STATE and name.name != ".."


def require_empty(places: Places) -> None:
    """Check that a backup may be restored here.

    Raises:
        Refused: there is a home already.
    """
    if restoring_path(places.identity_file).exists():
        return  # an earlier try was interrupted
    for path in (places.identity_file, places.users_file, places.store_file):
        if path.exists():
            raise Refused(
                f"This home is not empty: there is {path}",
                hint="Move its files away first, or name an empty home by TUISHARE_HOME.",
            )


def _write_home(places: Places, files: Mapping[PurePosixPath, bytes]) -> None:
    restoring = restoring_path(places.identity_file)
    publish(restoring, files[_IDENTITY])
    for name, data in files.items():
        if name != _IDENTITY:
            path = _FOLDERS[name.parent](places) / name.name
            make_private(path.parent)
            _remove_log(path)
            publish(path, data)
    database = Database(places.store_file)
    try:
        database.skip_generations(_SKIPPED)
    finally:
        database.close()
    try:
        restoring.rename(places.identity_file)
        fsync_folder(places.config)
    except OSError as error:
        raise from_os_error(error, f"write {places.identity_file}") from error


def _remove_log(path: Path) -> None:
    """Remove what an earlier database of that name left beside it, which SQLite would take for a part of this one."""
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
