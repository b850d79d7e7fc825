"""The commands, and the only place where errors become exit codes.

Owns terminal output, argument parsing and exit codes. Must not do the work of the rooms below. Commands import what
they need when they run, so that ``tuishare status`` loads neither libtorrent nor Textual.
"""

from __future__ import annotations

from tuishare.cli.main import main

__all__ = ["main"]
