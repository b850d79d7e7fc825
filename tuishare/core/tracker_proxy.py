"""The tracker URLs of the engine: on loopback, where a relay forwards announces to the trackers.

libtorrent cannot use one https tracker for many TLS swarms, and it quotes announce URLs in its logs; behind the relay
it knows neither certificate nor passkey. Used by the agent and by commands with an engine of their own. Owns the
translation of URLs. Must not decide which trackers of an envelope may be used: `tuishare.core.received_addresses` does.
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
from tuishare.swarm import Endpoint, TrackerFailed, resolve_received
from tuishare.torrents import InfoHash
from tuishare.tracker import Relay

_log = logging.getLogger(__name__)


class TrackerProxies:
    """Translates tracker URLs for the engine; made by `open`."""

    def __init__(self, relay: Relay, *, proxied: bool) -> None:
        self._relay = relay
        self._proxied = proxied

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, proxy: Proxy | None) -> AsyncIterator[Self]:
        """Open the relay for as long as the block lasts.

        Args:
            proxy: the proxy for all trackers, or None.

        Raises:
            SystemFailed: no port is free.
        """
        async with Relay(proxy) as relay:
            yield cls(relay, proxied=proxy is not None)

    async def tiers(
        self, trackers: Iterable[TrackerAddress], rules: TrackerRules | None = None
    ) -> tuple[tuple[str, ...], ...]:
        """Return the tiers of the engine (BEP 12); the addresses of one tracker are one tier, tried all at once.

        Trackers that cannot be used are skipped and logged: a swarm works without them.

        Args:
            trackers: best first.
            rules: which of them may be used; None: all, because the user named them.
        """
        tiers: dict[str, list[str]] = {}
        for tracker in trackers:
            judged = rules is not None and not rules.chose(tracker.url)
            try:
                if rules and (fault := rules.fault(tracker.url, pinned=bool(tracker.pin))):
                    raise BadInput(f"it {fault}")
                local = await self._translate(tracker, judged=judged)
            except BadInput as error:
                _log.info("The tracker %s is not used: %s", show_tracker(tracker.url), error.detail)
            else:
                tiers.setdefault(tracker.pin or tracker.url, []).append(local)
        return tuple(map(tuple, tiers.values()))

    def name_of(self, failed: TrackerFailed) -> str:
        """Return the tracker of a failed announce as it may be shown, not the relay."""
        target = self._relay.target_of(failed.announce)
        return show_tracker(target.url) if target else failed.url

    def forget(self, trackers: Iterable[TrackerAddress]) -> None:
        """Stop relaying announces to these trackers."""
        for url in self._relayed(trackers):
            self._relay.forget(url)

    def hold_back(self, trackers: Iterable[TrackerAddress], info_hash: InfoHash) -> None:
        """Report a torrent as incomplete to these trackers until `confirm`; impossible for udp trackers."""
        for url in self._relayed(trackers):
            self._relay.withhold_completion(url, info_hash)

    def confirm(self, trackers: Iterable[TrackerAddress], info_hash: InfoHash) -> None:
        """Allow reporting a torrent as complete to these trackers: all of it is on disk."""
        for url in self._relayed(trackers):
            self._relay.confirm(url, info_hash)

    def _relayed(self, trackers: Iterable[TrackerAddress]) -> Iterator[str]:
        """Yield the local URLs of the trackers that were translated."""
        for tracker in trackers:
            if local := self._relay.find(tracker.url, _pin(tracker)):
                yield local

    async def _translate(self, tracker: TrackerAddress, *, judged: bool) -> str:
        if not tracker.url.startswith("udp:"):
            return self._relay.local(tracker.url, _pin(tracker), judged=judged)
        if self._proxied:
            raise BadInput("A udp tracker cannot be used through the proxy")
        return await self._settle(tracker.url) if judged else tracker.url

    async def _settle(self, url: str) -> str:
        """Replace the host of a udp tracker by its address, because the engine connects to it without any check."""
        parts = urlsplit(url)
        try:
            found = await resolve_received([Endpoint(parts.hostname or "", parts.port or 0)], LocalMachine())
        except OSError as error:
            raise BadInput(f"the addresses of this machine cannot be read: {error.strerror}") from error
        if not found.good:
            clauses = [fault.clause for _, fault in found.faults]
            raise BadInput(f"its address {clauses[0]}" if clauses else "its name is not known now")
        return f"udp://{found.good[0]}{parts.path}"


def _pin(tracker: TrackerAddress) -> bytes | None:
    return bytes.fromhex(tracker.pin) if tracker.pin else None
