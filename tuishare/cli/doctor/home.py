"""Checks of `tuishare doctor` on a home: its permissions, keys, settings, users and folders. They change nothing."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from tuishare.cli.doctor.results import CheckResult, Severity
from tuishare.config.model import load_config
from tuishare.config.units import format_size
from tuishare.core.settings_rules import check_deeply
from tuishare.errors import NotFound
from tuishare.home_paths import Places
from tuishare.people import load_book, load_identity


def check_privacy(places: Places) -> Iterator[CheckResult]:
    """Check that no other user can enter the home's folders (threat T13)."""
    for folder in (places.config, places.state, places.runtime):
        try:
            found = folder.stat()
        except (FileNotFoundError, NotADirectoryError):
            yield _check_makeable("home", folder, "when it is needed")
            continue
        if found.st_uid != os.geteuid():
            yield CheckResult(
                Severity.FAULT, "home", f"{folder} belongs to another user", "Run tuishare as its owner."
            )
        elif found.st_mode & 0o077:
            mode = f"{stat.S_IMODE(found.st_mode):04o}"
            hint = f"Run: chmod 700 {shlex.quote(str(folder))}"
            yield CheckResult(Severity.FAULT, "home", f"other users can enter {folder} (mode {mode})", hint)
        else:
            yield CheckResult(Severity.FINE, "home", f"{folder} is private")


def check_identity(places: Places) -> Iterator[CheckResult]:
    """Check that the keys exist, are intact and private."""
    try:
        load_identity(places.identity_file)
    except NotFound:
        yield CheckResult(Severity.NOTE, "identity", "there is none yet", "`tuishare card` creates one.")
    else:
        yield CheckResult(Severity.FINE, "identity", f"{places.identity_file} is intact")


def check_settings(places: Places) -> Iterator[CheckResult]:
    """Check the settings as far as that is possible without starting an agent."""
    check_deeply(load_config(places), places)
    there = places.config_file.exists()
    yield CheckResult(
        Severity.FINE, "settings", f"{places.config_file} is valid" if there else "none, defaults apply"
    )


def check_users(places: Places) -> Iterator[CheckResult]:
    """Check that there are users and that they are verified."""
    book = load_book(places.users_file)
    if not len(book):
        yield CheckResult(
            Severity.NOTE, "users", "there are none yet", "Add a user: `tuishare user add NAME CARD`."
        )
        return
    yield CheckResult(Severity.FINE, "users", f"{len(book)} known")
    for user in book:
        if user.card is not None and not user.verified and not user.admitted:
            yield CheckResult(
                Severity.NOTE,
                "users",
                f"{user.name} is not verified: their envelopes wait for your approval",
                f"Compare fingerprints: `tuishare user verify {user.name}`.",
            )


def check_folders(places: Places) -> Iterator[CheckResult]:
    """Check that the folders can be written or read, and that there is free space."""
    config = load_config(places)
    for name in ("inbox", "outbox", "downloads"):
        yield _check_writable(name, Path(getattr(config.folders, name)))
    yield _check_room(config.folders.downloads_path, config.downloads.reserve_bytes)
    for drop in config.drop:
        yield _check_readable(Path(drop.path))


def _check_writable(name: str, folder: Path) -> CheckResult:
    if not os.path.lexists(folder):
        return _check_makeable(name, folder, "when the agent starts")
    if not folder.is_dir():
        return CheckResult(
            Severity.FAULT, name, f"{folder} is not a folder", "Move it away, or choose another folder."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        return CheckResult(
            Severity.FAULT, name, f"{folder} cannot be written", "Check its owner and permissions."
        )
    return CheckResult(Severity.FINE, name, f"{folder} can be written")


def _check_makeable(name: str, folder: Path, when: str) -> CheckResult:
    """Check the nearest existing folder, in which the missing ones will be made."""
    place = next(parent for parent in folder.parents if os.path.lexists(parent))
    if not place.is_dir():
        hint = "Move it away, or choose another folder."
        return CheckResult(Severity.FAULT, name, f"{folder} cannot be made: {place} is not a folder", hint)
    if not os.access(place, os.W_OK | os.X_OK):
        hint = f"Check the owner and permissions of {place}."
        return CheckResult(Severity.FAULT, name, f"{folder} cannot be made: {place} cannot be written", hint)
    return CheckResult(Severity.FINE, name, f"{folder} will be made {when}")


def _check_room(folder: Path, reserve: int) -> CheckResult:
    place = next(parent for parent in (folder, *folder.parents) if os.path.exists(parent))
    free = shutil.disk_usage(place).free
    if free <= reserve:
        return CheckResult(
            Severity.FAULT,
            "free space",
            f"{format_size(free)} for downloads, of which {format_size(reserve)} are kept free",
            "Free some space, or choose another folder: `tuishare config set folders.downloads PATH`.",
        )
    return CheckResult(Severity.FINE, "free space", f"{format_size(free)} for downloads")


def _check_readable(folder: Path) -> CheckResult:
    if not folder.is_dir():
        return CheckResult(
            Severity.NOTE, "drop folder", f"{folder} is missing", "Make it, or mount its disk."
        )
    if not os.access(folder, os.R_OK | os.X_OK):
        return CheckResult(
            Severity.FAULT, "drop folder", f"{folder} cannot be read", "Check its owner and permissions."
        )
    return CheckResult(Severity.FINE, "drop folder", f"{folder} can be read")
