"""Ports of swarms and tracker that cannot be opened: shown until they are.

Owns the problem and what the log says. Engine and tracker try again by themselves, as does the link. Must not open
ports.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Protocol, Self

from tuishare.agent.events import ChangeSignal
from tuishare.core.clock import Clock
from tuishare.core.problems import Problem
from tuishare.errors import TuishareError

_LOOK_SECONDS: Final = 0.5

_log = logging.getLogger(__name__)


class PortOwner(Protocol):
    """A part of the agent with ports: the engine or the tracker."""

    @property
    def port_fault(self) -> TuishareError | None:
        """Why a port is not open now; None if all are."""


class PortWatch:
    """Watches the ports of these parts.

    Args:
        owners: by what their ports are for and the setting that chooses them.
        changed: is notified when a port was opened, or fails for another reason.
        clock: of the problem.
    """

    def __init__(self, owners: dict[tuple[str, str], PortOwner], changed: ChangeSignal, clock: Clock) -> None:
        self._owners = owners
        self._changed = changed
        self._clock = clock
        self._shown: dict[str, Problem] = {}
        self.look()

    @classmethod
    def of_agent(cls, engine: PortOwner, tracker: PortOwner, changed: ChangeSignal, clock: Clock) -> Self:
        """Watch the ports of swarms and tracker; those of links are watched by the link."""
        owners = {("swarms", "network.listen"): engine, ("the tracker", "tracker.listen"): tracker}
        return cls(owners, changed, clock)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """One problem for each part with a port that is not open."""
        return tuple(self._shown.values())

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if self.look():
                self._changed.notify()

    def look(self) -> bool:
        """Ask the parts; return whether anything has changed."""
        before = dict(self._shown)
        for (purpose, key), owner in self._owners.items():
            fault, known = owner.port_fault, before.get(key)
            if fault is None:
                if self._shown.pop(key, None):
                    _log.info("The port for %s is open now", purpose)
            elif known is None or known.detail != _describe(fault):
                _log.warning("The port for %s cannot be opened: %s; trying again", purpose, fault.detail)
                self._shown[key] = Problem(
                    id=f"port-{key}",
                    title=f"No port for {purpose}",
                    detail=_describe(fault),
                    hint=f"Is another tuishare running? Or choose another port: tuishare config set {key} :PORT",
                    since=known.since if known else self._clock.now(),
                )
        return before != self._shown


def _describe(fault: TuishareError) -> str:
    return f"{fault.detail}. It is opened when that is possible"
