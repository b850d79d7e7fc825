"""Authentication and authorization of requests to the agent.

Owns the interface between the server and the ways to authenticate. The only one so far is the user id of the process at
the other end of the Unix socket; another front end brings its own.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tuishare.api.operation import Operation, Role
from tuishare.api.unix_socket import check_peer
from tuishare.errors import Refused, SystemFailed

if TYPE_CHECKING:
    from aiohttp import web


@dataclass(frozen=True, slots=True)
class Principal:
    """The sender of a request.

    Attributes:
        role: what the sender may do, see `tuishare.api.operation.Operation.allowed`.
        name: for messages and logs; may be empty.
    """

    role: Role
    name: str = ""


class Authenticator(Protocol):
    """Identifies the sender of a request."""

    def authenticate(self, request: web.BaseRequest) -> Principal:
        """Return the sender of a request; called before anything else of the request is read.

        Raises:
            Refused: the sender may not use the API.
        """


class PeerCredentials:
    """Answers only processes of one user id, which are the owner's (threat T13).

    Args:
        owner: that user id.
    """

    def __init__(self, owner: int) -> None:
        self._owner = owner

    def authenticate(self, request: web.BaseRequest) -> Principal:
        """Return the owner, or refuse a process of another user."""
        connection: socket.socket | None = request.get_extra_info("socket")
        if connection is None:
            raise SystemFailed("The connection is already closed")
        check_peer(connection, self._owner)
        return Principal(Role.OWNER)


def require_allowed(caller: Principal, operation: Operation) -> None:
    """Check a caller against the table of operations.

    Raises:
        Refused: the caller's role may not use the operation.
    """
    if caller.role not in operation.allowed:
        raise Refused(
            f"The role {caller.role} may not use the operation {operation.name}",
            hint="Ask the owner of the agent.",
        )
