"""Ids, users, groups and folders that the agent knows, for completion.

Owns requests without the libraries that `tuishare.api.client` needs: to load those takes longer than all else.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any, Final, TypeAlias

from tuishare.cli.manual.topics import TOPICS
from tuishare.core.home_lock import find_agent
from tuishare.home_paths import find_places
from tuishare.sanitize import for_display

Values: TypeAlias = Iterator[tuple[str, str]]
"""Values, each with what a person may want to read beside it."""

_TIMEOUT_SECONDS: Final = 3.0
_LONGEST_ANSWER: Final = 64 * 1024 * 1024
_SHORT: Final = 8
"""Digits of an id; a command that finds them ambiguous says so."""


def _entries(typed: str) -> Values:
    for entry in (*_ask("/v1/shares"), *_ask("/v1/downloads")):
        id_, name = entry["id"][:_SHORT], entry["name"]
        yield id_, name
        if typed:  # before that, the ids are enough
            yield name, id_


def _users(_: str = "") -> Values:
    for user in _ask("/v1/people").get("users", ()):
        yield user["name"], " ".join(f"@{group}" for group in user.get("groups", ()))


def _groups(_: str = "") -> Values:
    groups: dict[str, list[str]] = {}
    for user in _ask("/v1/people").get("users", ()):
        for group in user.get("groups", ()):
            groups.setdefault(group, []).append(user["name"])
    yield from ((group, ", ".join(members)) for group, members in groups.items())


def _named_groups(_: str = "") -> Values:
    yield from ((f"@{group}", members) for group, members in _groups())


def _folders(_: str = "") -> Values:
    yield from ((folder["path"], ", ".join(folder.get("users", ()))) for folder in _ask("/v1/folders"))


def _invitations(_: str = "") -> Values:
    yield from (
        (invitation["id"][:_SHORT], invitation.get("name", "")) for invitation in _ask("/v1/invitations")
    )


def _joins(_: str = "") -> Values:
    yield from ((joining["id"][:_SHORT], joining.get("error", "")) for joining in _ask("/v1/joins"))


def _introduced(_: str = "") -> Values:
    received = _ask("/v1/introductions")["received"]
    yield from ((each["name"], each["introducer"]) for each in received)


def _columns(_: str = "") -> Values:
    from tuishare.cli.listing import COLUMNS  # most completions need none of it

    yield from ((name, "") for name in COLUMNS)


def _topics(_: str = "") -> Values:
    yield from ((topic, "") for topic in TOPICS)


_SOURCES: Final[Mapping[str, tuple[Callable[[str], Values], ...]]] = {
    "ID": (_entries,),
    "ID...": (_entries,),
    "INVITATION": (_invitations,),
    "JOIN": (_joins,),
    "NAME|ID...": (_introduced,),
    "[NAME|ID]...": (_introduced,),
    "USER": (_users,),
    "[USER]": (_users,),
    "USER|@GROUP": (_users, _named_groups),
    "USER|@GROUP...": (_users, _named_groups),
    "@GROUP": (_named_groups,),
    "GROUP": (_groups,),
    "[SHARE]": (_entries,),
    "[SHARE] USER": (_entries, _users),
    "FOLDER": (_folders,),
    "COLUMN": (_columns,),
    "COLUMN,...": (_columns,),
    "[TOPIC]": (_topics,),
}
"""By metavar: what a person reads in the help of a parameter also says what can stand there."""

METAVARS: Final = frozenset(_SOURCES)


def known_values(metavar: str, typed: str) -> Values:
    """Yield the values for a parameter, of which the beginning was typed; none where no agent answers.

    Each can be shown and typed as it is: one with a control or an invisible character in it is left out (threat T14).
    """
    for source in _SOURCES.get(metavar, ()):
        try:
            for value, meaning in source(typed):
                if value and value == for_display(value, len(value) + 3):
                    yield value, for_display(meaning)
        except (OSError, ValueError, LookupError, TypeError):
            continue  # no agent, or one of another version: then nothing is known


def _ask(path: str) -> Any:
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.settimeout(_TIMEOUT_SECONDS)
        places = find_places()
        agent = find_agent(places.lock_file)
        connection.connect(os.fsencode(agent.socket if agent else places.socket))
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: tuishare\r\nConnection: close\r\n\r\n".encode())
        with connection.makefile("rb") as answer:
            head, _, body = answer.read(_LONGEST_ANSWER).partition(b"\r\n\r\n")
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise ValueError("the agent refused")
    return json.loads(body)
