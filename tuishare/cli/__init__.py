"""The commands, and the one place where errors become exit codes.

Owns words on the terminal, argument parsing and exit codes. Must not do any work of the rooms below. Commands import
what they need when they run, so that ``tuishare status`` loads neither libtorrent nor Textual.
"""

from __future__ import annotations

from tuishare.cli.main import main

__all__ = ["main"]
