"""A certificate for listeners."""

from tests.tracker.conftest import certificate

__all__ = ["certificate"]
