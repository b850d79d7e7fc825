"""What a client sees of one share or download when it looks closer: files, peers, history.

Owns these messages only; units and cautions as in `tuishare.api.messages`.
"""

from __future__ import annotations

from tuishare.api.messages import Activity, Count, Fraction, Message


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
        user: name in the user book, or empty while nobody can tell.
        client: the program that it names; untrusted text.
        progress: of the payload.
        rate_up: bytes per second to it.
        rate_down: bytes per second from it.
        uploaded: bytes to it.
        downloaded: bytes from it.
        encryption: ``tls``, ``mse`` (an obfuscation) or ``none``.
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


class Details(Message, frozen=True, kw_only=True):
    """More about one share or download.

    Attributes:
        files: in the torrent's order, at most `FILES_SHOWN`.
        more_files: how many there are besides.
        peers: connected now.
        history: what happened to it, newest first.
    """

    files: tuple[File, ...] = ()
    more_files: Count = 0
    peers: tuple[PeerInfo, ...] = ()
    history: tuple[Activity, ...] = ()


FILES_SHOWN = 2_000
"""How many files of one payload are listed."""


class Finding(Message, frozen=True, kw_only=True):
    """One line of a leak proof.

    Attributes:
        topic: what was looked at, such as ``private bit``.
        good: whether it is as it should be; None where there is no right or wrong.
        evidence: what was seen, one sentence.
        hint: what to do about it, or empty.
    """

    topic: str
    good: bool | None
    evidence: str
    hint: str = ""


class Proof(Message, frozen=True, kw_only=True):
    """What one share lets out and to whom, with evidence."""

    findings: tuple[Finding, ...]
