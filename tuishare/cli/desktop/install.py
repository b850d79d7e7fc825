"""``tuishare desktop``: the files below ``share``, for this user.

Owns writing and removing them, and telling the caches of the desktop.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tuishare.cli.desktop.share_tree import make_share_tree
from tuishare.cli.manual.command_tree import DeclaredCommand
from tuishare.cli.terminal import say
from tuishare.errors import from_os_error
from tuishare.home_paths import find_home_folder

_CACHES: Final = (("update-mime-database", "mime"), ("update-desktop-database", "applications"))
_TIMEOUT_SECONDS: Final = 30


def user_share() -> Path:
    """Return the folder ``share`` of this user, by the XDG base directory specification."""
    return Path(os.environ.get("XDG_DATA_HOME") or find_home_folder() / ".local" / "share")


def install_desktop(program: DeclaredCommand) -> None:
    """Write all files for this user; repeating it updates them.

    Raises:
        SystemFailed: a file cannot be written.
    """
    share = user_share()
    write_share_tree(program, share, (sys.executable, "-P", "-m", "tuishare"), share)
    _renew_caches(share)
    say(
        f"Desktop entries, man pages and completion are in {share}. `tuishare desktop uninstall` removes them."
    )


def uninstall_desktop(program: DeclaredCommand) -> None:
    """Remove what `install_desktop` wrote, and folders that are empty then.

    Raises:
        SystemFailed: a file cannot be removed.
    """
    share = user_share()
    for place in make_share_tree(program, (), share):
        path = share / place
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise from_os_error(error, f"remove {path}") from error
        for folder in path.parents[: len(Path(place).parts) - 1]:
            with contextlib.suppress(OSError):  # other programs have files there
                folder.rmdir()
    _renew_caches(share)
    say(f"Nothing of tuishare is in {share} any more.")


def write_share_tree(program: DeclaredCommand, folder: Path, command: tuple[str, ...], share: Path) -> None:
    """Write the files into a folder; those in them that name others expect these in `share`.

    Raises:
        SystemFailed: a file cannot be written.
    """
    for place, file in make_share_tree(program, command, share).items():
        path = folder / place
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.text, encoding="utf-8")
            path.chmod(0o755 if file.is_program else 0o644)
        except OSError as error:
            raise from_os_error(error, f"write {path}") from error


def _renew_caches(share: Path) -> None:
    for program, folder in _CACHES:
        if (path := shutil.which(program)) and (share / folder).is_dir():
            words = [path, str(share / folder)]
            subprocess.run(words, check=False, timeout=_TIMEOUT_SECONDS, capture_output=True)  # noqa: S603
