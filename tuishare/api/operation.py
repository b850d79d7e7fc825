"""One operation of the API: encodes a call as an HTTP request, and decodes a request to the call.

Owns both directions, so that client and server cannot disagree, and the roles that may use an operation. Does no I/O,
and must not know the operations themselves: those are in `tuishare.api.operations`.
"""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, partial
from typing import (
    Any,
    Concatenate,
    Final,
    Generic,
    Literal,
    ParamSpec,
    Protocol,
    Self,
    TypeVar,
    get_args,
    get_type_hints,
    overload,
)
from urllib.parse import quote, urlencode

from tuishare.api.codec import decode_request
from tuishare.api.messages import Message
from tuishare.errors import BadInput, NotFound

SMALL_BODY: Final = 64 * 1024
"""Longest body of a request, bytes, unless its operation says otherwise."""

P = ParamSpec("P")
R = TypeVar("R")


class Role(StrEnum):
    """What the sender of a request is to the agent."""

    OWNER = "owner"
    """The user who runs the agent."""
    OPERATOR = "operator"
    """One who keeps shares and downloads going on the web page; not identity, users, settings or accounts."""


@dataclass(frozen=True, slots=True)
class OperationCall:
    """One call of an operation as an HTTP request.

    Attributes:
        target: path and query.
        body: message to send, or None.
    """

    target: str
    body: Message | None


@dataclass(frozen=True, eq=False)
class Operation:
    """One row of the table of operations.

    Attributes:
        function: method of `tuishare.api.service.AgentService`; its signature defines path, query and body.
        method: of HTTP. A GET changes nothing.
        path: with ``{parameter}`` for each parameter in it.
        request: message in the body, or None for a request without one.
        response: message in the answer, or a list of them; for a stream, each line.
        allowed: roles that may use it.
        body_limit: longest body, bytes.
        counted: whether it counts towards the number of requests at a time.
        any_version: whether clients of any protocol version are answered.
        streams: whether the answer is a stream of lines.
    """

    function: Callable[..., Any]
    method: Literal["GET", "POST"]
    path: str
    request: type[Message] | None
    response: Any
    allowed: frozenset[Role]
    body_limit: int = SMALL_BODY
    counted: bool = True
    any_version: bool = False
    streams: bool = False

    @property
    def name(self) -> str:
        """Name of the method."""
        return self.function.__name__

    @property
    def docstring(self) -> str:
        """Docstring of the method, without indentation."""
        return inspect.getdoc(self.function) or ""

    @cached_property
    def signature(self) -> inspect.Signature:
        """Parameters without `self`, with their types resolved."""
        hints = get_type_hints(self.function, include_extras=True)
        _, *parameters = inspect.signature(self.function).parameters.values()
        return inspect.Signature(
            [parameter.replace(annotation=hints[parameter.name]) for parameter in parameters],
            return_annotation=hints["return"],
        )

    def encode(self, *args: Any, **kwargs: Any) -> OperationCall:
        """Return the request for a call with these arguments; omitted arguments are omitted in the request."""
        path, query = self.path, {}
        body: Message | None = None
        for name, value in self.signature.bind(*args, **kwargs).arguments.items():
            if isinstance(value, Message):
                body = value
            elif self.is_in_path(name):
                path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
            else:
                query[name] = str(value)
        return OperationCall(f"{path}?{urlencode(query)}" if query else path, body)

    def decode(self, path: Mapping[str, str], query: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """Return the arguments of a request.

        Args:
            path: decoded parameters of the path.
            query: decoded parameters of the query.
            body: empty for an operation without one.

        Raises:
            NotFound: the path names an unknown action.
            BadInput: query or body is malformed.
        """
        arguments: dict[str, Any] = {}
        for name, parameter in self.signature.parameters.items():
            if self.is_in_path(name):
                arguments[name] = _read_word(name, path[name], parameter.annotation)
            elif self.request is not None and parameter.annotation is self.request:
                arguments[name] = decode_request(body, self.request)
            elif name in query:
                arguments[name] = _read_number(name, query[name], parameter)
        return arguments

    def is_in_path(self, parameter: str) -> bool:
        """Whether a parameter is part of the path."""
        return f"{{{parameter}}}" in self.path


class Performer(Protocol):
    """A client: sends calls of operations and returns their answers."""

    @abstractmethod
    async def perform(self, operation: ClientMethod[..., R], call: OperationCall, /) -> R:
        """Send one call and return its answer."""


class ClientMethod(Operation, Generic[P, R]):
    """An operation with one answer. As an attribute of a `Performer` it is a method, typed like the original."""

    def __init__(
        self,
        function: Callable[Concatenate[Any, P], Coroutine[Any, Any, R]],
        method: Literal["GET", "POST"],
        path: str,
        request: type[Message] | None,
        response: type[R],
        allowed: frozenset[Role],
        **options: Any,
    ) -> None:
        super().__init__(function, method, path, request, response, allowed, **options)

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...

    @overload
    def __get__(self, client: Performer, owner: type) -> Callable[P, Coroutine[Any, Any, R]]: ...

    def __get__(self, client: Performer | None, owner: type) -> Self | Callable[P, Coroutine[Any, Any, R]]:
        """Return the method of a client, or, on the class, the operation itself."""
        if client is None:
            return self

        return partial(self, client)

    def __call__(self, client: Performer, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        """Perform the operation through a client, so that ``Client.method`` can be called as a function."""
        return client.perform(self, self.encode(*args, **kwargs))


def _read_word(name: str, text: str, kind: Any) -> Any:
    """Read a parameter of the path: an id, or a member of an enumeration.

    Raises:
        NotFound: it is not a member.
    """
    if not (isinstance(kind, type) and issubclass(kind, StrEnum)):
        return text
    try:
        return kind(text)
    except ValueError:
        raise NotFound(f"There is no such {name}", hint=f"Use one of: {', '.join(kind)}.") from None


def _read_number(name: str, text: str, parameter: inspect.Parameter) -> int:
    """Read a parameter of the query, which is a number within limits.

    Raises:
        BadInput: it is not such a number.
    """
    _, meta = get_args(parameter.annotation)
    if text.isascii() and text.isdecimal() and len(text) < 10 and meta.ge <= int(text) <= meta.le:
        return int(text)
    raise BadInput(
        f"The {name} is not a number from {meta.ge} to {meta.le}",
        hint=f"Leave it out for {parameter.default}.",
    )
