"""Values that may be replaced while the agent runs, such as its settings and its identity."""

from __future__ import annotations

from typing import Generic, TypeVar

_T = TypeVar("_T")


class Live(Generic[_T]):
    """Holds the value in force. Keep the holder, not the value: `current` may be replaced."""

    def __init__(self, current: _T) -> None:
        self.current = current
