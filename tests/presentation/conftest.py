from __future__ import annotations

from tests.tui.conftest import utc

__all__ = ["utc"]
