"""Names with which the engine writes a payload: the disk that it is downloaded to takes them.

Owns applying `tuishare.fs.name_trial` to a torrent, before anything of it is fetched. Blocking. Must not use a session.
"""

from __future__ import annotations

import errno
from pathlib import Path

from tuishare.errors import from_os_error
from tuishare.fs.name_trial import choose_local_paths
from tuishare.sanitize import for_display
from tuishare.torrents import LocalNames, Parts, Torrent


def choose_names(torrent: Torrent, folder: Path) -> LocalNames:
    """Return the names that a payload and its files get; those of the torrent as far as the disk takes them.

    Args:
        torrent: of the payload.
        folder: on the disk; names are tried in it.

    Raises:
        TuishareError: the disk takes no file now, or none with a name similar to one of the torrent.
    """
    own: list[Parts] = [(torrent.name,)]
    inside = [file.parts for file in torrent.files] if torrent.is_folder else []
    try:
        name = choose_local_paths(folder, own).get(own[0], ("",))[0]
        files = choose_local_paths(folder, inside)
    except OSError as error:
        refused = error.filename if error.errno == errno.EINVAL else None
        raise from_os_error(error, f"make “{for_display(refused or torrent.name)}” in {folder}") from error
    return LocalNames(name, {"/".join(parts): "/".join(here) for parts, here in files.items()})
