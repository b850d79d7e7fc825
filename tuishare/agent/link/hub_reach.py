"""The connection to the hub that was joined, and reach by it: what the hub says of ports and callers.

Owns which ports the hub lends. Must not choose when to connect, or take parcels (`mailbox_receiver` does), or forward
anything (`tuishare.agent.network.reach_client` does).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tuishare.agent.link.hub_membership import HubMembership
from tuishare.agent.live import Live
from tuishare.agent.network.reach_client import ReachAddresses, ReachClient
from tuishare.config.model import Config
from tuishare.link.link_key import LinkKey
from tuishare.link.mailbox.client import collect, hash_write_key
from tuishare.link.mailbox.enrolment import HubPlace
from tuishare.link.mailbox.messages import CallerAnnounced, PortsLent, PortsRefused
from tuishare.link.mailbox.reached import ReachedMember
from tuishare.net.endpoints import Endpoint, parse_endpoint
from tuishare.sanitize import for_display


class HubReach:
    """The reach of one agent by its hub."""

    def __init__(
        self, key: LinkKey, membership: HubMembership, reach: ReachClient, settings: Live[Config]
    ) -> None:
        """`key` is how the hub knows us."""
        self._key = key
        self._reach = reach
        self._membership = membership
        self._is_wanted = settings.current.network.reach_by_hub
        self._lent: tuple[HubPlace, tuple[int, int, int] | None] | None = None

    def load(self) -> None:
        """Count on the ports of the last run: a hub keeps them, and the first envelope is to name them."""
        place, lent = self._membership.place, self._membership.lent
        if self._is_wanted and place is not None and lent is not None:
            self._become(place, lent)

    def save(self) -> None:
        """Record the ports that the hub lends; blocks.

        Raises:
            SystemFailed: it cannot be recorded.
        """
        if self._lent is not None:
            self._membership.note_lent(*self._lent)

    async def collect(
        self,
        place: HubPlace,
        write_key: bytes,
        receive: Callable[[bytes], Awaitable[bool]],
        on_open: Callable[[], None],
    ) -> None:
        """Be connected to a hub; see `tuishare.link.mailbox.client.collect`."""
        reached = _AtHub(self, place) if self._is_wanted else None
        await collect(self._key, place, hash_write_key(write_key), receive, on_open, reached)

    def on_lent(self, place: HubPlace, ports: PortsLent) -> None:
        """Be reachable there."""
        self._become(place, (ports.link, ports.tracker, ports.swarm))

    def on_refused(self, place: HubPlace, refusal: PortsRefused) -> None:
        """Be reachable no longer, and show why."""
        self._lent = place, None
        self._reach.become(ReachAddresses())
        self._reach.show(
            f"The hub at {place.address} lends no ports: {for_display(refusal.reason)}",
            "It is asked again by itself. Ask its operator, or set network.reach.",
        )

    def on_caller(self, place: HubPlace, accept: int, caller: CallerAnnounced) -> None:
        """Fetch a caller."""
        self._reach.fetch(Endpoint(parse_endpoint(place.address).host, accept), caller)

    def _become(self, place: HubPlace, ports: tuple[int, int, int]) -> None:
        self._lent = place, ports
        host = parse_endpoint(place.address).host
        self._reach.become(ReachAddresses(*(str(Endpoint(host, port)) for port in ports)))


class _AtHub(ReachedMember):
    """One connection to a hub."""

    def __init__(self, reach: HubReach, place: HubPlace) -> None:
        self._reach = reach
        self._place = place
        self._accept = 0

    def on_lent(self, ports: PortsLent) -> None:
        self._accept = ports.accept
        self._reach.on_lent(self._place, ports)

    def on_refused(self, refusal: PortsRefused) -> None:
        self._reach.on_refused(self._place, refusal)

    def on_caller(self, caller: CallerAnnounced) -> None:
        if self._accept:
            self._reach.on_caller(self._place, self._accept, caller)
