"""Who may do what: an agent that does for a visitor only what the page and their role may.

Owns the check of both against the table of the agent's operations.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, TypeVar

from tuishare.api.authenticator import Principal, require_allowed
from tuishare.api.client import AgentClient
from tuishare.api.messages import Changes, Snapshot
from tuishare.api.operation import ClientMethod, Operation, OperationCall, Role
from tuishare.api.operations import EVENTS, Operations
from tuishare.errors import Refused

R = TypeVar("R")


class VisitorsAgent(Operations):
    """The agent as one visitor may use it by one operation of the page (threat T26).

    Args:
        client: of the agent.
        role: of the visitor.
        needed: operations that the page may use.
    """

    def __init__(self, client: AgentClient, role: Role, needed: frozenset[Operation]) -> None:
        self._client = client
        self._principal = Principal(role)
        self._needed = needed

    async def perform(self, operation: ClientMethod[..., R], call: OperationCall) -> R:
        """Send one call and return its answer.

        Raises:
            Refused: the role may not, or the row of the page does not name the operation.
            TuishareError: as from the agent.
        """
        self._require(operation)
        return await self._client.perform(operation, call)

    async def events(self) -> AsyncGenerator[Snapshot | Changes, None]:
        """Follow the agent; raises as `perform`."""
        self._require(EVENTS)
        async for event in self._client.events():
            yield event

    def _require(self, operation: Operation | ClientMethod[..., Any]) -> None:
        if operation not in self._needed:
            raise Refused(f"This page may not use the operation {operation.name}")
        require_allowed(self._principal, operation)


def require_role(role: Role, allowed: frozenset[Role]) -> None:
    """Check a role against those of a page.

    Raises:
        Refused: it may not use this page.
    """
    if role not in allowed:
        raise Refused(f"The role {role} may not do this", hint="Ask the owner of this page.")
