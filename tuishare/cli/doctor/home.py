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
    """Nobody else may enter our folders (threat T13)."""
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
            yield CheckResult(
                Severity.FAULT, "home", f"{folder} can be entered by others (mode {mode})", hint
            )
        else:
            yield CheckResult(Severity.FINE, "home", f"{folder} is yours alone")


def check_identity(places: Places) -> Iterator[CheckResult]:
    """The keys are there, whole, and ours alone."""
    try:
        load_identity(places.identity_file)
    except NotFound:
        yield CheckResult(Severity.NOTE, "identity", "there is none yet", "`tuishare card` makes one.")
    else:
        yield CheckResult(Severity.FINE, "identity", f"{places.identity_file} is whole")


def check_settings(places: Places) -> Iterator[CheckResult]:
    """The settings are usable, as far as can be known without starting."""
    check_deeply(load_config(places), places)
    there = places.config_file.exists()
    yield CheckResult(
        Severity.FINE, "settings", f"{places.config_file} is valid" if there else "none, the defaults hold"
    )


def check_users(places: Places) -> Iterator[CheckResult]:
    """There is somebody to share with, and fingerprints were compared."""
    book = load_book(places.users_file)
    if not len(book):
        yield CheckResult(
            Severity.NOTE, "users", "nobody is known yet", "Add somebody: `tuishare user add NAME CARD`."
        )
        return
    yield CheckResult(Severity.FINE, "users", f"{len(book)} known")
    for user in book:
        if user.card is not None and not user.verified:
            yield CheckResult(
                Severity.NOTE,
                "users",
                f"{user.name} is not verified: what he sends waits for your approval",
                f"Compare fingerprints: `tuishare user verify {user.name}`.",
            )


def check_folders(places: Places) -> Iterator[CheckResult]:
    """What is written to can be written, what is watched can be read, and there is room."""
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
            Severity.FAULT, name, f"{folder} is not a folder", "Move it away, or choose another place."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        return CheckResult(
            Severity.FAULT, name, f"{folder} cannot be written", "Check its owner and permissions."
        )
    return CheckResult(Severity.FINE, name, f"{folder} can be written")


def _check_makeable(name: str, folder: Path, when: str) -> CheckResult:
    """Look at the nearest folder that is there: what is missing will be made in it."""
    place = next(parent for parent in folder.parents if os.path.lexists(parent))
    if not place.is_dir():
        hint = "Move it away, or choose another place."
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
            f"{format_size(free)} where downloads land, and {format_size(reserve)} are kept free",
            "Free some space, or choose another folder: `tuishare config set folders.downloads PATH`.",
        )
    return CheckResult(Severity.FINE, "free space", f"{format_size(free)} where downloads land")


def _check_readable(folder: Path) -> CheckResult:
    if not folder.is_dir():
        return CheckResult(
            Severity.NOTE, "drop folder", f"{folder} is missing", "Make it, or mount the disk that it is on."
        )
    if not os.access(folder, os.R_OK | os.X_OK):
        return CheckResult(
            Severity.FAULT, "drop folder", f"{folder} cannot be read", "Check its owner and permissions."
        )
    return CheckResult(Severity.FINE, "drop folder", f"{folder} can be read")
