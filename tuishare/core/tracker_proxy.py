"""Where the engine announces: on loopback, from where a relay goes on to the trackers.

libtorrent cannot use one https tracker for many TLS swarms, and it quotes announce URLs in its logs; behind the relay
it needs to know neither certificate nor passkey. Serves the agent and the commands that run an engine of their own.
Owns the translation. Which trackers of an envelope may be asked is `tuishare.core.received_addresses`'s.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Self
from urllib.parse import urlsplit

from tuishare.core.received_addresses import show_tracker
from tuishare.core.records import TrackerAddress
from tuishare.errors import BadInput
from tuishare.net.addresses import TrackerRules
from tuishare.net.local_machine import LocalMachine
from tuishare.net.proxy_settings import Proxy
from tuishare.swarm import Endpoint, resolve_received
from tuishare.torrents import InfoHash
from tuishare.tracker import Relay

_log = logging.getLogger(__name__)


class TrackerProxies:
    """The ways to trackers; made by `open`."""

    def __init__(self, relay: Relay, *, proxied: bool) -> None:
        self._relay = relay
        self._proxied = proxied

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, proxy: Proxy | None) -> AsyncIterator[Self]:
        """Open the relay for as long as the block lasts.

        Args:
            proxy: through which alone trackers are reached.

        Raises:
            SystemFailed: it finds no port.
        """
        async with Relay(proxy) as relay:
            yield cls(relay, proxied=proxy is not None)

    async def tiers(
        self, trackers: Iterable[TrackerAddress], rules: TrackerRules | None = None
    ) -> tuple[tuple[str, ...], ...]:
        """Translate; addresses of the same tracker make one tier (BEP 12), all of which the engine tries at once.

        What cannot be used is left out and said in the log: a tracker is a help, not a condition.

        Args:
            trackers: best first.
            rules: which of them may be asked; None: all, because a person named them.
        """
        tiers: dict[str, list[str]] = {}
        for tracker in trackers:
            judged = rules is not None and not rules.chose(tracker.url)
            try:
                if rules and (fault := rules.fault(tracker.url, pinned=bool(tracker.pin))):
                    raise BadInput(f"it {fault}")
                local = await self._translate(tracker, judged=judged)
            except BadInput as error:
                _log.info("The tracker %s is not asked: %s", show_tracker(tracker.url), error.detail)
            else:
                tiers.setdefault(tracker.pin or tracker.url, []).append(local)
        return tuple(map(tuple, tiers.values()))

    def forget(self, trackers: Iterable[TrackerAddress]) -> None:
        """Pass nothing on to these trackers any more."""
        for url in self._relayed(trackers):
            self._relay.forget(url)

    def hold_back(self, trackers: Iterable[TrackerAddress], info_hash: InfoHash) -> None:
        """Let these trackers believe that something of a torrent is missing, until it is `confirm`ed that nothing is.

        A udp tracker cannot be kept from hearing it earlier.
        """
        for url in self._relayed(trackers):
            self._relay.hold_back(url, info_hash)

    def confirm(self, trackers: Iterable[TrackerAddress], info_hash: InfoHash) -> None:
        """All of a torrent is on disk: these trackers may hear that nothing is missing."""
        for url in self._relayed(trackers):
            self._relay.confirm(url, info_hash)

    def _relayed(self, trackers: Iterable[TrackerAddress]) -> Iterator[str]:
        """Find those that were translated."""
        for tracker in trackers:
            if local := self._relay.find(tracker.url, _pin(tracker)):
                yield local

    async def _translate(self, tracker: TrackerAddress, *, judged: bool) -> str:
        if not tracker.url.startswith("udp:"):
            return self._relay.local(tracker.url, _pin(tracker), judged=judged)
        if self._proxied:
            raise BadInput("A udp tracker cannot be asked through the proxy")
        return await self._settle(tracker.url) if judged else tracker.url

    async def _settle(self, url: str) -> str:
        """Put the address of a udp tracker in the place of its name; the engine asks it, and judges nothing."""
        parts = urlsplit(url)
        try:
            found = await resolve_received([Endpoint(parts.hostname or "", parts.port or 0)], LocalMachine())
        except OSError as error:
            raise BadInput(f"the system does not tell our addresses now: {error.strerror}") from error
        if not found.good:
            clauses = [fault.clause for _, fault in found.faults]
            raise BadInput(f"its address {clauses[0]}" if clauses else "its name is not known now")
        return f"udp://{found.good[0]}{parts.path}"


def _pin(tracker: TrackerAddress) -> bytes | None:
    return bytes.fromhex(tracker.pin) if tracker.pin else None
