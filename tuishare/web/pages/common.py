"""What several pages need: recipients to choose from, words about a reload."""

from __future__ import annotations

from tuishare.api.messages import People, Reloaded
from tuishare.errors import BadInput
from tuishare.presentation.formats import format_count

_NAME = 256


def list_recipients(people: People) -> list[tuple[str, str]]:
    """Return groups, then users, as they are named in a share, with words about each."""
    groups = sorted({group for user in people.users for group in user.groups}, key=str.casefold)
    sizes = {group: sum(group in user.groups for user in people.users) for group in groups}
    return [
        *((f"@{group}", format_count(sizes[group], "member")) for group in groups),
        *((user.name, " ".join(f"@{group}" for group in user.groups)) for user in people.users),
    ]


def require_member(name: str) -> str:
    """Return a name that a request may have.

    Raises:
        BadInput: it is empty or too long.
    """
    if not 1 <= len(name) <= _NAME:
        raise BadInput(f"A name has 1 to {_NAME} characters", hint="Choose one of the list.")
    return name


def describe_reload(reloaded: Reloaded) -> str:
    """Return what a change of settings still needs."""
    if not reloaded.restart:
        return "The settings are saved."
    keys = ", ".join(dict.fromkeys(reloaded.restart))
    return f"The settings are saved. Restart the agent to apply: {keys}."
