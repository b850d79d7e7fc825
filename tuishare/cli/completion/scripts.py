"""The scripts by which shells ask for completion. Owns where they are."""

from __future__ import annotations

from pathlib import Path


def read_script(shell: str) -> str:
    """Return the script of ``bash``, ``zsh`` or ``fish``."""
    return Path(__file__).with_name(f"tuishare.{shell}").read_text(encoding="utf-8")
