"""How a download begins: its first record, and what it replaces.

Owns what an envelope says about it. Pure: whoever calls saves the record and does what follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tuishare.agent.downloads.files import DownloadFiles
from tuishare.core.opening import OpenedEnvelope, download_id
from tuishare.core.records import DownloadRecord, DownloadStep
from tuishare.torrents import cost_of


@dataclass(frozen=True, slots=True)
class ArrivedEnvelope:
    """The envelope as it came.

    Attributes:
        envelope: name of the file in the inbox.
        digest: SHA-256 of the file.
    """

    envelope: str
    digest: bytes


def new_download(
    received: OpenedEnvelope, arrival: ArrivedEnvelope, files: DownloadFiles, now: int
) -> DownloadRecord:
    """The download of what somebody sent; `now` in Unix seconds.

    Raises:
        Refused: its ticket cannot work.
    """
    manifest, credentials = received.manifest, received.credentials
    identifier = download_id(received.origin, manifest.share_id)
    cost = cost_of(received.torrent)
    return DownloadRecord(
        id=identifier,
        envelope=arrival.envelope,
        added=now,
        step=DownloadStep.DOWNLOADING,
        sender=received.sender,
        signer=received.origin,
        share=manifest.share_id.hex(),
        generation=manifest.generation,
        name=received.torrent.name,
        size=received.torrent.total_size,
        files=len(received.torrent.files),
        transport=manifest.transport,
        info_hash=received.torrent.info_hash,
        contacts=manifest.contacts,
        root_certificate=credentials.root_certificate if credentials else b"",
        leaf_certificate=credentials.leaf_certificate if credentials else b"",
        leaf_key=credentials.leaf_key if credentials else b"",
        staging=str(files.staging(identifier, manifest.generation)),
        envelope_hash=arrival.digest,
        trackers=received.trackers,
        note=manifest.note,
        not_after=manifest.not_after or 0,
        cost=cost.size,
        entries=cost.entries,
        weight=len(manifest.torrent),
    )


def is_same_swarm(former: DownloadRecord, record: DownloadRecord) -> bool:
    """Whether an envelope is about the very swarm that a download is in."""
    return (former.info_hash, former.transport) == (record.info_hash, record.transport)


def adopt_tickets(former: DownloadRecord, record: DownloadRecord) -> DownloadRecord:
    """The same download with the tickets of a newer envelope, and where its swarm is now."""
    return replace(
        former,
        envelope=record.envelope,
        envelope_hash=record.envelope_hash,
        generation=record.generation,
        contacts=record.contacts,
        trackers=record.trackers,
        note=record.note,
        not_after=record.not_after,
        root_certificate=record.root_certificate,
        leaf_certificate=record.leaf_certificate,
        leaf_key=record.leaf_key,
    )


def supersede(record: DownloadRecord, former: DownloadRecord | None) -> DownloadRecord:
    """Let a new generation replace what the former one delivered, or was to replace; the same content goes on.

    What rests unfinished goes on resting. What was delivered rests from serving only, and what waits for a person
    begins with his word.
    """
    if former is None:
        return record
    if former.step is DownloadStep.COMPLETE:
        return replace(
            record,
            replaces=former.path,
            replaces_signature=former.signature,
        )
    if DownloadStep.WAITING not in {former.step, record.step}:
        record = replace(record, paused=former.paused)
    if is_same_swarm(former, record):
        record = replace(
            record,
            staging=former.staging,
            unwanted=former.unwanted,
            cost=former.cost,
            entries=former.entries,
        )
    return replace(record, replaces=former.replaces, replaces_signature=former.replaces_signature)
