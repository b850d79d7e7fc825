"""One share or download in detail: its files, peers and history, and the privacy report of a share."""

from __future__ import annotations

from typing import Final

from tuishare.api.messages.activity import Activity
from tuishare.api.messages.base import Count, Fraction, Message

FILES_SHOWN: Final = 2_000
"""How many files of one payload are listed."""


class File(Message, frozen=True, kw_only=True):
    """One file of a payload.

    Attributes:
        path: inside the payload, parts separated by ``/``; untrusted text.
        size: bytes.
        progress: how much of it is here.
        wanted: it is to be downloaded.
    """

    path: str
    size: Count
    progress: Fraction
    wanted: bool = True


class PeerInfo(Message, frozen=True, kw_only=True):
    """One live connection.

    Attributes:
        address: ``host:port``.
        user: name in the user book, or empty while it is unknown.
        client: the program that the peer names; untrusted text.
        progress: of the payload.
        rate_up: bytes per second to the peer.
        rate_down: bytes per second from the peer.
        uploaded: bytes to the peer.
        downloaded: bytes from the peer.
        encryption: ``tls``, ``mse`` (an obfuscation) or ``none``.
        by_hub: the bytes go by a hub that makes one of the two reachable, not directly.
    """

    address: str
    user: str = ""
    client: str = ""
    progress: Fraction = 0.0
    rate_up: Count = 0
    rate_down: Count = 0
    uploaded: Count = 0
    downloaded: Count = 0
    encryption: str = "tls"
    by_hub: bool = False


class Details(Message, frozen=True, kw_only=True):
    """One share or download in detail.

    Attributes:
        files: in the torrent's order, at most 2,000.
        more_files: how many there are besides.
        peers: connected now.
        history: what happened to it, newest first.
    """

    files: tuple[File, ...] = ()
    more_files: Count = 0
    peers: tuple[PeerInfo, ...] = ()
    history: tuple[Activity, ...] = ()


class Finding(Message, frozen=True, kw_only=True):
    """One line of a report.

    Attributes:
        topic: what was checked, such as ``private bit``.
        good: whether it is as it should be; None where there is no right or wrong.
        evidence: what was seen, one sentence.
        hint: what to do about it, or empty.
    """

    topic: str
    good: bool | None
    evidence: str
    hint: str = ""


class Proof(Message, frozen=True, kw_only=True):
    """A report, such as the privacy report of a share: what it discloses and to whom, with evidence.

    Attributes:
        findings: in the order in which they were checked.
    """

    findings: tuple[Finding, ...]
