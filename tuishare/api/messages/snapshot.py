"""The whole state of the agent, and what changed in it: the lines of the event stream."""

from __future__ import annotations

from tuishare.api.messages.activity import Activity
from tuishare.api.messages.base import DownloadId, Message, ShareId, UnixTime
from tuishare.api.messages.downloads import Download
from tuishare.api.messages.links import Link
from tuishare.api.messages.people import People
from tuishare.api.messages.shares import Share
from tuishare.api.messages.status import Status


class Snapshot(Message, frozen=True, kw_only=True, tag_field="type", tag="snapshot"):
    """Everything a client shows, at one moment. First line of an event stream.

    Attributes:
        status: the agent itself.
        shares: what it publishes, oldest first.
        downloads: what it receives, oldest first.
        people: users and the agent's own card.
        links: to the agents of verified users, in the order of the user book.
        activity: the last of what happened, newest first, at most 200 entries.
    """

    status: Status
    shares: tuple[Share, ...]
    downloads: tuple[Download, ...]
    people: People = People()
    links: tuple[Link, ...] = ()
    activity: tuple[Activity, ...] = ()


class Changes(Message, frozen=True, kw_only=True, tag_field="type", tag="changes"):
    """What has changed since the line before.

    Attributes:
        status: the new one, or None when nothing but its clock moved.
        shares: new or changed.
        shares_removed: gone.
        downloads: new or changed.
        downloads_removed: gone.
        people: all of them, or None when nothing about them changed.
        links: new or changed.
        links_removed: users to whom there is none any longer.
        activity: what happened since, newest first.
    """

    status: Status | None = None
    shares: tuple[Share, ...] = ()
    shares_removed: tuple[ShareId, ...] = ()
    downloads: tuple[Download, ...] = ()
    downloads_removed: tuple[DownloadId, ...] = ()
    people: People | None = None
    links: tuple[Link, ...] = ()
    links_removed: tuple[str, ...] = ()
    activity: tuple[Activity, ...] = ()


class Heartbeat(Message, frozen=True, kw_only=True, tag_field="type", tag="heartbeat"):
    """Nothing changed and the agent is alive.

    Attributes:
        now: the agent's clock, Unix seconds.
    """

    now: UnixTime


Event = Snapshot | Changes | Heartbeat
"""One line of the event stream."""
