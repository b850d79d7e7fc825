"""Where the engine announces: on loopback, from where a relay goes on to the trackers.

libtorrent cannot use one https tracker for many TLS swarms, and it quotes announce URLs in its logs; behind the relay
it needs to know neither certificate nor passkey. Serves the agent and the commands that run an engine of their own.
Owns the translation only.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Self

from tuishare.agent.state.records import TrackerAddress
from tuishare.errors import BadInput
from tuishare.proxy import Proxy
from tuishare.torrents import InfoHash
from tuishare.tracker import Relay

_log = logging.getLogger(__name__)


class Routes:
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

    def tiers(self, trackers: Iterable[TrackerAddress]) -> tuple[tuple[str, ...], ...]:
        """Translate; addresses of the same tracker make one tier (BEP 12), all of which the engine tries at once.

        What cannot be used is left out and said in the log: a tracker is a help, not a condition.
        """
        tiers: dict[str, list[str]] = {}
        for tracker in trackers:
            try:
                local = self._local(tracker)
            except BadInput as error:
                _log.info("A tracker in the envelope is not usable: %s", error.detail)
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
        for tracker in trackers:
            with contextlib.suppress(BadInput):
                yield self._local(tracker)

    def _local(self, tracker: TrackerAddress) -> str:
        if tracker.url.startswith("udp:"):
            if self._proxied:
                raise BadInput("A udp tracker cannot be asked through the proxy")
            return tracker.url
        return self._relay.local(tracker.url, bytes.fromhex(tracker.pin) if tracker.pin else None)
