"""All files below ``share`` for one installation, as text.

Owns where each of them lies, and the quoting of the commands in them. Text in, text out.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuishare.cli.completion.scripts import read_script
from tuishare.cli.manual.command_tree import DeclaredCommand
from tuishare.cli.manual.man_pages import write_man_pages

SHARE_WITH: Final = "tuishare/share-with"
"""The script that file managers call."""
OPEN_ENVELOPE: Final = "tuishare/open-envelope"
"""The script that a click on an envelope calls."""

_FOLDER: Final = Path(__file__).with_name("share")
_COMPLETION: Final = {
    "bash": "bash-completion/completions/tuishare",
    "fish": "fish/vendor_completions.d/tuishare.fish",
    "zsh": "zsh/site-functions/_tuishare",
}
_NAUTILUS: Final = "nautilus/scripts/Share with…"
"""Nautilus shows the name of the script, and looks only among the files of its user."""
_MENUS: Final = re.compile(r"kio/servicemenus/.*")
"""KDE obeys only those of a user that are executable."""


@dataclass(frozen=True, slots=True)
class ShareFile:
    """One file: its text, and whether it is a program."""

    text: str
    is_program: bool


def make_share_tree(program: DeclaredCommand, command: Sequence[str], share: Path) -> dict[str, ShareFile]:
    """Return all files by their path below ``share``.

    Args:
        program: all commands.
        command: that runs tuishare.
        share: where the files will be, such as ``/usr/share``.
    """
    tree = {
        str(path.relative_to(_FOLDER)): _render(path, command, share)
        for path in sorted(_FOLDER.rglob("*"))
        if path.is_file()
    }
    tree[_NAUTILUS] = tree[SHARE_WITH]
    texts = {place: read_script(shell) for shell, place in _COMPLETION.items()}
    pages = write_man_pages(program)
    texts |= {f"man/man{name[-1]}/{name}": page for name, page in pages.items()}
    return tree | {place: ShareFile(text, is_program=False) for place, text in texts.items()}


def quote_exec(words: Sequence[str]) -> str:
    """Quote a command for the key Exec of a desktop entry, by the Desktop Entry Specification."""
    return " ".join(word if re.fullmatch(r"[\w/.:=+-]+", word) else _quote(word) for word in words)


def _quote(word: str) -> str:
    escaped = re.sub(r'(["`$\\])', r"\\\1", word).replace("%", "%%")
    return '"' + escaped.replace("\\", "\\\\") + '"'  # the value is a string, with escapes of its own


def _render(path: Path, command: Sequence[str], share: Path) -> ShareFile:
    text = path.read_text(encoding="utf-8")
    place = str(path.relative_to(_FOLDER))
    is_script = place in {SHARE_WITH, OPEN_ENVELOPE}
    text = text.replace("@TUISHARE@", (shlex.join if is_script else quote_exec)(command))
    for mark, script in (("@SHARE_WITH@", SHARE_WITH), ("@OPEN_ENVELOPE@", OPEN_ENVELOPE)):
        text = text.replace(mark, quote_exec([str(share / script)]))
    return ShareFile(text, is_script or bool(_MENUS.fullmatch(place)))
