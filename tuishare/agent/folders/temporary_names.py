"""Names that programs give to what is not complete, or not meant to be shared; ignored at any depth of a drop folder.

Owns the table of names, each with its program and a public source, and matching them. Must not read any folder.

A pattern is that of a file name in the shell (``*``, ``?``, ``[abc]``); a slash at its end means folders only. It must
be narrow, because a file that is wrongly ignored is never shared: hence ``*.*.td``, as ``*.td`` are sources of LLVM,
and not all hidden names, as they belong to the folder that is shared.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

_ALPHANUMERIC: Final = "[A-Za-z0-9]"


@dataclass(frozen=True, slots=True)
class TemporaryName:
    """A row of the table: patterns, the programs that make such names, and where that is said."""

    patterns: tuple[str, ...]
    programs: str
    source: str


def _random_suffixes(length: int) -> Iterator[str]:
    """Yield patterns of hidden names with a random suffix, in which at least one character is a digit or upper case.

    So that ``.config.backup`` is not meant; a suffix of 6 lower-case letters occurs once in 180 files.
    """
    for place in range(length):
        yield ".*." + _ALPHANUMERIC * place + "[A-Z0-9]" + _ALPHANUMERIC * (length - 1 - place)


_GITIGNORE: Final = "https://github.com/github/gitignore/blob/main/Global/"
_FILEINFO: Final = "https://fileinfo.com/extension/"
_NEXTCLOUD: Final = "https://github.com/nextcloud/desktop/blob/master/sync-exclude.lst"

TRANSFERS: Final = (
    TemporaryName(("*.part",), "Firefox, KDE, JDownloader, Transmission, yt-dlp", _NEXTCLOUD),
    TemporaryName(("*.part-Frag*", "*.ytdl"), "yt-dlp",
                  "https://github.com/yt-dlp/yt-dlp/blob/master/yt_dlp/downloader/fragment.py"),
    TemporaryName(("*.temp.mp4", "*.temp.mkv", "*.temp.webm", "*.temp.m4a"), "yt-dlp",
                  "https://github.com/yt-dlp/yt-dlp/blob/master/yt_dlp/postprocessor/ffmpeg.py"),
    TemporaryName(("*.crdownload",), "Chrome, Chromium, Edge", _NEXTCLOUD),
    TemporaryName(("*.download",), "Safari", _FILEINFO + "download"),
    TemporaryName(("*.opdownload",), "Opera", _FILEINFO + "opdownload"),
    TemporaryName(("*.partial",), "Internet Explorer, rclone", "https://rclone.org/docs/, --partial-suffix"),
    TemporaryName(("*.aria2",), "aria2", "https://github.com/ziahamza/webui-aria2/issues/335"),
    TemporaryName(("*.!qB",), "qBittorrent", "https://github.com/qbittorrent/qBittorrent/wiki, .!qB extension"),
    TemporaryName((".*.parts",), "libtorrent", "https://www.libtorrent.org/manual-ref.html, part files"),
    TemporaryName(("*.!ut", "*.!bt"), "uTorrent, BitTorrent", _FILEINFO + "!ut"),
    TemporaryName(("*.bc!", "*.bt!"), "BitComet, BitSpirit", "https://www.filenameextension.net/extension/BC!/"),
    TemporaryName(("*.xltd", "*.*.td"), "Thunder", _FILEINFO + "td"),
    TemporaryName(("*.!sync",), "Resilio Sync", _GITIGNORE + "BitTorrentSync.gitignore"),
    TemporaryName(("*.fdmdownload", "*.downloading", "*.unfinished"), "download managers", _FILEINFO + "fdmdownload"),
    TemporaryName(("*.filepart",), "WinSCP", "https://github.com/keysas-fr/keysas/issues/47"),
    TemporaryName(("*.lftp", "*.lftp-pget-status", ".in.*"), "lftp, ProFTPD",
                  "https://github.com/ipsingh06/seedsync/issues/6; lftp(1), xfer:temp-file-name"),
    TemporaryName((".pureftpd-upload.*",), "Pure-FTPd", "pure-ftpd(8), --notruncate"),
    TemporaryName((*_random_suffixes(6), ".~tmp~/", ".rsync-partial/"), "rsync, Chrome, and other users of mkstemp(3)",
                  "https://github.com/RsyncProject/rsync/issues/685"),
    TemporaryName((".syncthing.*", "~syncthing~*", ".stfolder", ".stversions/", ".sync-conflict*"), "Syncthing",
                  "https://docs.syncthing.net/users/syncing.html, temporary files"),
    TemporaryName((".*.~[0-9a-f]*",), "Nextcloud, ownCloud", _NEXTCLOUD),
    TemporaryName((".dropbox", ".dropbox.attr", ".dropbox.cache/"), "Dropbox", _GITIGNORE + "Dropbox.gitignore"),
    TemporaryName((".*.icloud",), "iCloud, for a file that is not on this disk", _FILEINFO + "icloud"),
    TemporaryName(("*.tmp", ".goutputstream-*"), "GLib, and programs of all kinds",
                  "https://github.com/GNOME/glib/blob/main/gio/glocalfileoutputstream.c"),
)  # fmt: skip
"""What is not complete; while it is written, the folder in which it lies is not complete either."""

EDITORS: Final = (
    TemporaryName((".fuse_hidden*", ".nfs*"), "FUSE and NFS, for a deleted file that is still open",
                  _GITIGNORE + "Linux.gitignore"),
    TemporaryName(("*~", ".#*", "[#]*[#]"), "Emacs, and editors that keep a copy", _GITIGNORE + "Emacs.gitignore"),
    TemporaryName(("*.swp", ".*.sw[a-px]"), "Vim, nano", _GITIGNORE + "Vim.gitignore"),
    TemporaryName(("*.kate-swp",), "Kate", _NEXTCLOUD),
    TemporaryName(("*___jb_tmp___", "*___jb_old___"), "JetBrains",
                  "https://github.com/tilt-dev/tilt, its list of temporary names of editors"),
    TemporaryName(("~$*",), "Microsoft Office", _GITIGNORE + "MicrosoftOffice.gitignore"),
    TemporaryName((".~lock.*[#]",), "LibreOffice", _GITIGNORE + "LibreOffice.gitignore"),
    TemporaryName(("*.laccdb",), "Microsoft Access", _FILEINFO + "laccdb"),
    TemporaryName(("*.idlk", "*.prlock"), "InDesign, Premiere", "https://github.com/nextcloud/desktop/issues/10259"),
    TemporaryName(("*.lrcat.lock",), "Lightroom", _FILEINFO + "lrcat"),
    TemporaryName(("*~lock~",), "Affinity", "https://github.com/nextcloud/desktop/issues/10392"),
    TemporaryName(("*.dwl", "*.dwl2"), "AutoCAD", "https://github.com/owncloud/client/issues/3947"),
    TemporaryName(("*.blend@",), "Blender", "https://github.com/blender/blender, BLO_write_file"),
    TemporaryName((".*-autosave.kra",), "Krita", "https://docs.krita.org/en/user_manual/autosave.html"),
    TemporaryName(("~*.lck",), "KiCad", "https://github.com/github/gitignore/blob/main/KiCad.gitignore"),
)  # fmt: skip
"""Locks and copies that a program keeps while a document is open or saved."""

CLUTTER: Final = (
    TemporaryName((".DS_Store", "._*", "__MACOSX/", ".AppleDouble/", ".LSOverride", "Icon[\r]", ".apdisk",
                   ".Spotlight-V100/", ".Trashes/", ".fseventsd/", ".TemporaryItems/", ".DocumentRevisions-V100/",
                   ".VolumeIcon.icns", ".com.apple.timemachine.donotpresent"), "macOS", _GITIGNORE + "macOS.gitignore"),
    TemporaryName(("Thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$RECYCLE.BIN/",
                   "System Volume Information/"), "Windows", _GITIGNORE + "Windows.gitignore"),
    TemporaryName((".directory", ".Trash-*"), "KDE, desktops on Linux", _GITIGNORE + "Linux.gitignore"),
    TemporaryName(("@eaDir/", "#recycle/", "@Recycle/", ".@__thumb/"), "Synology, QNAP",
                  "https://github.com/owncloud/client/issues/66"),
    TemporaryName((".thumbnails/", ".picasa.ini"), "galleries",
                  "https://specifications.freedesktop.org/thumbnail-spec/latest/"),
    TemporaryName(("lost+found/",), "fsck", "mklost+found(8)"),
)  # fmt: skip
"""What appears because a folder is looked at, or a disk is attached."""

COMPANIONS: Final = (
    ".aria2", ".part", ".crdownload", ".!qB", ".!ut", ".partial", ".filepart", ".ytdl", ".lftp-pget-status"
)  # fmt: skip
"""NAME is not complete while NAME with one of these is beside it."""


class _Matcher:
    """Matches names with patterns. Most patterns are a literal with one ``*``, for which strings are fast enough."""

    def __init__(self, patterns: Iterable[str]) -> None:
        exact, starts, ends, others = set(), [], [], []
        for pattern in patterns:
            plain = pattern.strip("*").lower()
            if any(character in plain for character in "*?["):
                others.append(fnmatch.translate(pattern))
            elif "*" not in pattern:
                exact.add(plain)
            elif pattern.startswith("*") and pattern.endswith("*"):
                others.append(fnmatch.translate(pattern))
            elif pattern.endswith("*"):
                starts.append(plain)
            else:
                ends.append(plain)
        self._exact = frozenset(exact)
        self._starts, self._ends = tuple(starts), tuple(ends)
        self._others = re.compile("|".join(others) or r"(?!)")

    def __call__(self, name: str) -> bool:
        lower = name.lower()
        return (
            lower in self._exact
            or lower.startswith(self._starts)
            or lower.endswith(self._ends)
            or self._others.match(name) is not None
        )


_ALL: Final = [pattern for row in (*TRANSFERS, *EDITORS, *CLUTTER) for pattern in row.patterns]
_IS_FILE: Final = _Matcher(pattern for pattern in _ALL if not pattern.endswith("/"))
_IS_TRANSFER: Final = _Matcher(
    pattern for row in TRANSFERS for pattern in row.patterns if not pattern.endswith("/")
)
_IS_FOLDER: Final = _Matcher(pattern.rstrip("/") for pattern in _ALL)


def is_temporary(name: str, *, is_folder: bool) -> bool:
    """Return whether a name, without its folder, is in the table."""
    return _IS_FOLDER(name) if is_folder else _IS_FILE(name)


def is_transfer(name: str) -> bool:
    """Return whether a file with this name is the beginning of one that is to have another name."""
    return _IS_TRANSFER(name)


def companion_of(name: str) -> str:
    """Return the name of the file that is not complete while a file with this name is beside it; empty without one."""
    return next((name.removesuffix(suffix) for suffix in COMPANIONS if name.endswith(suffix)), "")
