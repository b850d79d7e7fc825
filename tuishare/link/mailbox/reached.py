"""What a member of a hub does about the ports that the hub lends.

Owns the interface only. Must not connect.
"""

from __future__ import annotations

from typing import Protocol

from tuishare.link.mailbox.messages import CallerAnnounced, PortsLent, PortsRefused


class ReachedMember(Protocol):
    """What a member does about the ports that a hub lends; none of it blocks."""

    def on_lent(self, ports: PortsLent) -> None:
        """Take note of the ports."""

    def on_refused(self, refusal: PortsRefused) -> None:
        """Take note that there are none now; they are asked for again."""

    def on_caller(self, caller: CallerAnnounced) -> None:
        """Fetch a caller."""
