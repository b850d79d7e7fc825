"""The privacy report of one share: what is visible to whom, with the evidence for each line.

Owns the assessment of facts from engine, certificates and records. Must not collect facts, nor change anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tuishare.api.messages import Finding
from tuishare.core.records import RecipientRecord, ShareRecord
from tuishare.swarm import CertificateDates, PrivacyFacts

_SOON_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class PrivacyCase:
    """One share, with the facts about it.

    Attributes:
        evidence: of the engine; None while we are not in the swarm.
        recipients: all recipients, past ones included.
        tracker: port of our own tracker, or None.
        reachable: whether peers can connect from outside; None if unknown.
        now: the time, with a zone.
        faults: why a router does not forward our ports, one sentence each.
    """

    share: ShareRecord
    evidence: PrivacyFacts | None
    recipients: Sequence[RecipientRecord]
    tracker: int | None
    reachable: bool | None
    now: datetime
    faults: Sequence[str] = ()


def assess(case: PrivacyCase) -> Iterator[Finding]:
    """Yield the findings about a share, the swarm first."""
    if case.evidence is None:
        yield Finding(topic="swarm", good=None, evidence="The share is not seeded now.")
    else:
        yield from _discovery(case.evidence)
        yield from _encryption(case.evidence)
        yield from _certificates(case.evidence, case.now)
        yield _connections(case.evidence)
        yield _ports(case.evidence, case.tracker)
    yield from _members(case.recipients)
    yield _reach(case.reachable, case.faults)
    yield _info_hash(case.share)


def _discovery(evidence: PrivacyFacts) -> Iterator[Finding]:
    yield Finding(
        topic="private bit",
        good=evidence.private,
        evidence=f"It is {'set' if evidence.private else 'not set'} in the active torrent (BEP 27).",
    )
    for topic, session, torrent in (
        ("DHT", evidence.session_dht, evidence.torrent_dht),
        ("peer exchange", None, evidence.torrent_pex),
        ("local discovery", evidence.session_lsd, evidence.torrent_lsd),
    ):
        # A private torrent uses none of them, whatever its flags allow.
        used = bool(session) or (torrent and not evidence.private)
        where = "in the engine and for this torrent" if session is not None else "for this torrent"
        yield Finding(topic=topic, good=not used, evidence=f"It is {'on' if used else 'off'} {where}.")
    yield Finding(
        topic="web seeds",
        good=not evidence.web_seeds,
        evidence=f"The engine fetches from {evidence.web_seeds} web servers.",
    )


def _encryption(evidence: PrivacyFacts) -> Iterator[Finding]:
    tls = evidence.transport == "tls"
    yield Finding(
        topic="TLS",
        good=tls,
        evidence="Only holders of a certificate of this share's own authority can connect."
        if tls
        else "The swarm is plain: any client that knows an address and the info-hash can connect and download.",
        hint="" if tls else "Share it with the transport tls where all recipients use tuishare.",
    )
    if tls:
        yield Finding(
            topic="resumption",
            good=True,
            evidence="The engine issues no session tickets, which is verified at every start.",
        )


def _certificates(evidence: PrivacyFacts, now: datetime) -> Iterator[Finding]:
    for topic, dates in (("authority", evidence.authority), ("our certificate", evidence.certificate)):
        if dates is not None:
            yield _dates(topic, dates, now)


def _dates(topic: str, dates: CertificateDates, now: datetime) -> Finding:
    good = dates.not_before <= now <= dates.not_after
    soon = good and (dates.not_after - now).days < _SOON_DAYS
    return Finding(
        topic=topic,
        good=good,
        evidence=f"It is valid from {dates.not_before:%Y-%m-%d} to {dates.not_after:%Y-%m-%d}.",
        hint="It expires soon; share it again for new tickets." if soon else "",
    )


def _connections(evidence: PrivacyFacts) -> Finding:
    counted = [f"{number} {kind}" for kind, number in evidence.connections.items() if number]
    strangers = evidence.transport == "tls" and any(
        number for kind, number in evidence.connections.items() if kind != "tls"
    )
    return Finding(
        topic="connections",
        good=not strangers,
        evidence=f"Live now: {', '.join(counted) or 'none'}; the engine announces to {evidence.trackers} trackers.",
    )


def _ports(evidence: PrivacyFacts, tracker: int | None) -> Finding:
    ports = [f"{transport} swarms on {port}" for transport, port in evidence.listening.items()]
    ports += [f"our tracker on {tracker}"] if tracker else []
    return Finding(topic="ports", good=None, evidence=f"Listening: {', '.join(ports) or 'nothing'}.")


def _members(recipients: Iterable[RecipientRecord]) -> Iterator[Finding]:
    holders = [row.user for row in recipients if not row.revoked]
    yield Finding(topic="tickets", good=None, evidence=f"Held by: {', '.join(holders) or 'no user'}.")
    gone = [row.user for row in recipients if row.revoked]
    if gone:
        yield Finding(
            topic="revoked",
            good=None,
            evidence=f"Revoked: {', '.join(gone)}; they keep what they have downloaded.",
        )


def _reach(reachable: bool | None, faults: Sequence[str]) -> Finding:
    match reachable:
        case True:
            return Finding(topic="reachable", good=True, evidence="A router forwards the port from outside.")
        case False:
            return Finding(
                topic="reachable",
                good=None,
                evidence=f"{'; '.join(('No peer can connect from outside', *faults))}.",
                hint="Forward the ports on your router and set network.public_host"
                + ("." if faults else ", or set network.port_mapping."),
            )
        case None:
            return Finding(
                topic="reachable",
                good=None,
                evidence="Unknown: nothing here shows whether peers can connect.",
            )


def _info_hash(share: ShareRecord) -> Finding:
    return Finding(
        topic="known leaks",
        good=None,
        evidence=f"An observer of the network sees the info-hash {share.info_hash[:16] or 'none yet'}…, addresses, "
        "sizes and times; no names, contents or keys.",
    )
