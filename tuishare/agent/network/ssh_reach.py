"""Reach by an SSH server that the user has an account on (``network.reach``).

Owns which ports are asked for there, and when the server is called again. Must not forward anything: `ReachClient`
does.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from tuishare.agent.error_isolation import isolate_errors
from tuishare.agent.network.reach_client import ReachAddresses, ReachClient
from tuishare.config.model import Config
from tuishare.core.own_addresses import ssh_reach_ports
from tuishare.errors import TuishareError
from tuishare.link.link_key import load_or_create_link_key
from tuishare.link.mailbox.messages import ReachService
from tuishare.link.peer import LinkFailed
from tuishare.link.redial import Pauses
from tuishare.net.endpoints import Endpoint
from tuishare.net.ssh_place import SshPlace


class SshReach:
    """The connection of one agent to its SSH server; without one, `run` does nothing."""

    def __init__(self, reach: ReachClient, config: Config, key_file: Path) -> None:
        """`key_file` holds the key that the server knows."""
        self._reach = reach
        self._place = config.network.ssh_reach
        self._host_key = config.network.reach_host_key
        self._ports = ssh_reach_ports(config)
        self._key_file = key_file

    def load(self) -> None:
        """Count on the ports from the start: they are in the settings, and the first envelope is to name them."""
        if self._place is not None and self._host_key:
            self._reach.become(self._addresses(self._place))

    async def run(self) -> None:
        """Be connected until cancelled."""
        pauses = Pauses()
        while self._place is not None:
            with isolate_errors("be reachable by an SSH server"):
                try:
                    await self._connect(self._place, pauses)
                except TuishareError as error:
                    self._reach.show(error.detail, error.hint or "It is called again by itself.")
            await asyncio.sleep(pauses.next())

    async def _connect(self, place: SshPlace, pauses: Pauses) -> None:
        # It imports asyncssh, which takes 0.3 s: only where it is needed.
        from tuishare.link.ssh_forwarding import forward_ports

        key = await asyncio.to_thread(load_or_create_link_key, self._key_file)
        was_open = False

        def note_open() -> None:
            nonlocal was_open
            was_open = True
            pauses.reset()
            self._reach.become(self._addresses(place))

        try:
            await forward_ports(key, place, self._host_key, self._ports, self._reach.forward, note_open)
        except LinkFailed:
            if not was_open:  # otherwise it is tried again first
                raise

    def _addresses(self, place: SshPlace) -> ReachAddresses:
        def at(service: ReachService) -> str:
            port = self._ports.get(service)
            return str(Endpoint(place.endpoint.host, port)) if port else ""

        return ReachAddresses(at("link"), at("tracker"), at("swarm"))
