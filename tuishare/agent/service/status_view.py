"""The state of the agent itself at one moment: who it is, where it is reached, its folders and its problems.

Owns which part of the agent each of these facts comes from. Answers at once, from memory. Must not change anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import tuishare
from tuishare.agent.link.link_service import LinkService
from tuishare.agent.live import Live
from tuishare.agent.network.reachability import find_problems, find_public_address, is_reachable
from tuishare.agent.network.tracker_service import TrackerService
from tuishare.agent.service.free_space import FreeSpace
from tuishare.agent.service.views import view_folder, view_problem
from tuishare.agent.shares.sharing import Sharing
from tuishare.agent.shares.unreachable import find_unreachable_shares
from tuishare.api.messages import PROTOCOL, Status
from tuishare.config.model import Config
from tuishare.core.clock import Clock
from tuishare.core.problems import Problem
from tuishare.people import Identity
from tuishare.swarm import Engine

ProblemSource: TypeAlias = Callable[[], tuple[Problem, ...]]
"""Returns the problems that one part of the agent has now."""


@dataclass(frozen=True, slots=True)
class StatusParts:
    """The parts of the agent that its status tells of.

    Attributes:
        engine: knows the ports and the rates.
        tracker: knows its own ports.
        sharing: knows the drop folders, and which shares are unreachable.
        link: knows its own port, and where we are reachable by hub.
        free_space: knows how much there is.
    """

    engine: Engine
    tracker: TrackerService
    sharing: Sharing
    link: LinkService
    free_space: FreeSpace


class StatusView:
    """The status of one agent as clients see it.

    Args:
        parts: asked for each status.
        settings: those in force.
        identity: the keys in force.
        clock: whose present time is that of the start.
        problems: asked for each status; shown in this order, before those of the network and of unreachable shares.
    """

    def __init__(
        self,
        parts: StatusParts,
        *,
        settings: Live[Config],
        identity: Live[Identity],
        clock: Clock,
        problems: Sequence[ProblemSource],
    ) -> None:
        self._parts = parts
        self._settings = settings
        self._identity = identity
        self._clock = clock
        self._sources = problems
        self._started = clock.now()

    @property
    def outbox(self) -> Path:
        """The folder where sealed envelopes lie."""
        return self._settings.current.folders.outbox_path

    def status(self) -> Status:
        """Return the state of the agent itself."""
        config, parts, engine = self._settings.current, self._parts, self._parts.engine
        by_hub = parts.link.reach.swarm
        live = engine.all_progress().values()
        return Status(
            name=config.name,
            version=tuishare.__version__,
            protocol=PROTOCOL,
            pid=os.getpid(),
            started=self._started,
            now=self._clock.now(),
            listen_tls=engine.listening.get("tls"),
            listen_plain=engine.listening.get("plain"),
            listen_tracker=parts.tracker.port,
            listen_tracker_plain=parts.tracker.plain_port,
            listen_link=parts.link.port,
            link_addresses=parts.link.addresses,
            rate_up=sum(progress.rate_up for progress in live),
            rate_down=sum(progress.rate_down for progress in live),
            free_bytes=parts.free_space.free,
            fingerprint=self._identity.current.card(config.name).fingerprint.base32,
            tls_ready="tls" in engine.transports,
            no_resumption="tls" in engine.transports,  # the engine does not start without that proof
            inbox=config.folders.inbox,
            outbox=config.folders.outbox,
            downloads=config.folders.downloads,
            reachable=is_reachable(config.network, engine, by_hub),
            public_address=find_public_address(config.network, engine, by_hub),
            hub_address=by_hub,
            problems=tuple(map(view_problem, self._problems())),
            drop_folders=tuple(map(view_folder, parts.sharing.drop_folders, parts.sharing.monitors.values())),
        )

    def _problems(self) -> tuple[Problem, ...]:
        config = self._settings.current
        return (
            *(problem for source in self._sources for problem in source()),
            *find_problems(config.network, self._parts.engine, self._started, self._parts.link.reach.swarm),
            *find_unreachable_shares(
                self._parts.sharing.repository,
                other_trackers=bool(config.tracker.others),
                now=self._clock.now(),
            ),
        )
