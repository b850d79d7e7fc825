"""A value that may be replaced while the agent runs, such as its settings or its identity."""

from __future__ import annotations

from typing import Generic, TypeVar

_T = TypeVar("_T")


class Live(Generic[_T]):
    """Holds the value in force. Keep the holder, not the value: `current` may be another one later."""

    def __init__(self, current: _T) -> None:
        self.current = current
