"""The agent itself, as clients see it."""

from __future__ import annotations

from tuishare.api.messages.base import Count, Message, Port, UnixTime
from tuishare.api.messages.folders import Folder


class Problem(Message, frozen=True, kw_only=True):
    """Something that needs the user's attention for as long as it lasts.

    Attributes:
        id: stable for as long as the problem lasts.
        title: what kind of trouble, three words or so.
        detail: one sentence about this case.
        hint: what to do about it; may be empty.
        since: when it began, Unix seconds.
    """

    id: str
    title: str
    detail: str
    hint: str
    since: UnixTime


class Status(Message, frozen=True, kw_only=True):
    """The agent itself.

    Attributes:
        name: the agent's own name, e.g. ``alice@studio``.
        version: of the program, e.g. ``0.1.0``.
        protocol: version of the messages.
        pid: process id.
        started: when the agent started, Unix seconds.
        now: the agent's clock when this was made, Unix seconds.
        listen_tls: port for TLS swarms, or None while it does not listen.
        listen_plain: port for plain swarms, or None.
        rate_up: bytes per second over all shares and downloads.
        rate_down: the same, inwards.
        free_bytes: free space in the downloads folder.
        fingerprint: of the agent's own card, base32.
        tls_ready: TLS 1.3 swarms with hybrid post-quantum key agreement work here.
        no_resumption: the self-test saw that no TLS session ticket is issued.
        problems: what needs the user's attention, oldest first.
        drop_folders: in the order of the configuration.
        inbox: absolute path of the folder for received envelopes.
        inbox_others: files in the inbox that are not envelopes and are left alone.
        outbox: absolute path of the folder for sealed envelopes.
        downloads: absolute path of the folder for received payloads.
        reachable: peers can connect to this agent from outside; None while it is unknown.
        public_address: ``host:port`` where this agent is reached from outside, or empty.
        hub_address: ``host:port`` at which a hub forwards to our swarms; empty: none does.
        listen_tracker: port of the agent's own tracker, or None while there is none.
        listen_tracker_plain: the same for plain swarms, or None.
        listen_link: port for links, or None while there is none.
        link_addresses: where contacts are told to call this agent, ``host:port``, best first.
    """

    name: str
    version: str
    protocol: Count
    pid: Count
    started: UnixTime
    now: UnixTime
    listen_tls: Port | None
    listen_plain: Port | None
    rate_up: Count
    rate_down: Count
    free_bytes: Count
    fingerprint: str
    tls_ready: bool
    no_resumption: bool
    problems: tuple[Problem, ...] = ()
    drop_folders: tuple[Folder, ...] = ()
    inbox: str = ""
    inbox_others: Count = 0
    outbox: str = ""
    downloads: str = ""
    reachable: bool | None = None
    public_address: str = ""
    listen_tracker: Port | None = None
    listen_tracker_plain: Port | None = None
    listen_link: Port | None = None
    link_addresses: tuple[str, ...] = ()
    hub_address: str = ""


class Stopping(Message, frozen=True, kw_only=True):
    """The agent has begun to stop.

    Attributes:
        pid: the process to wait for.
    """

    pid: Count
