"""The tracker without its HTTP server: members, peers and responses.

Owns the rules (threats T7, T10, T11): peers are named only for a valid passkey of the same share, a revoked user's
peers vanish from all responses at once, and every refusal is the same. Must not open sockets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tuishare.errors import BadInput, Refused
from tuishare.net.addresses import Address
from tuishare.net.rate_limit import RateLimit
from tuishare.torrents import InfoHash
from tuishare.tracker.announce import encode_answer, parse_announce
from tuishare.tracker.limits import TrackerLimits
from tuishare.tracker.passkeys import Member, Passkeys
from tuishare.tracker.peers import AnnounceRequest, PeerAnnounced, PeerPresence, SeedAddress
from tuishare.tracker.registry import Registry


class AnnounceRejected(Refused):
    """An announce is refused; the message gives no reason."""

    def __init__(self) -> None:
        super().__init__("This announce is not accepted")


@dataclass(frozen=True, slots=True)
class _Swarms:
    """A share: its info-hashes as in announces, and its peers."""

    info_hashes: Mapping[bytes, InfoHash]
    registry: Registry


class Tracker:
    """Answers announces for the admitted shares; used from one event loop only."""

    def __init__(
        self,
        on_announce: Callable[[PeerAnnounced], None],
        limits: TrackerLimits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Create a tracker without shares.

        Args:
            on_announce: called for every accepted announce, before the response; must not block.
            limits: the default limits if None.
            clock: monotonic, seconds; for expiry.
            now: Unix seconds; for events.
        """
        self.limits = limits or TrackerLimits()
        self._on_announce = on_announce
        self._clock = clock
        self._now = now
        self._passkeys = Passkeys()
        self._shares: dict[str, _Swarms] = {}
        self._rate_limit: RateLimit[Member] = RateLimit(
            self.limits.member_burst, self.limits.member_rate, self.limits.addresses, clock
        )

    def admit(
        self,
        share: str,
        members: Mapping[bytes, str],
        swarm: tuple[InfoHash, ...],
        seed: tuple[SeedAddress, ...] = (),
    ) -> None:
        """Add or replace a share; the peers of remaining members are kept.

        Args:
            share: any name; `PeerAnnounced` carries it.
            members: SHA-256 of each member's passkey (32 bytes) → user.
            swarm: the share's info-hash, hex; a hybrid torrent has two.
            seed: where our own seed listens; always listed.

        Raises:
            BadInput: an info-hash or a passkey's hash is malformed, or a passkey belongs to another share; nothing is
                changed.
        """
        info_hashes = {_on_the_wire(info_hash): info_hash for info_hash in swarm}
        self._passkeys.replace(share, members)
        known = self._shares.get(share)
        registry = known.registry if known else Registry(seed, self.limits)
        registry.seeds = seed
        registry.keep(set(members.values()), info_hashes)
        self._shares[share] = _Swarms(info_hashes, registry)

    def withdraw(self, share: str) -> None:
        """Remove a share; no-op if there is none."""
        self._passkeys.drop(share)
        self._shares.pop(share, None)

    def revoke(self, share: str, user: str) -> None:
        """Revoke a user's access to a share: refuse their passkey and stop naming their peers, from now on."""
        self._passkeys.drop(share, user)
        if known := self._shares.get(share):
            others = {presence.user for presence in self.swarm_of(share)} - {user}
            known.registry.keep(others, known.info_hashes)

    def swarm_of(self, share: str) -> tuple[PeerPresence, ...]:
        """Return the peers in a share's swarms, without our own seed; empty if there is no such share."""
        known = self._shares.get(share)
        return known.registry.present(self._clock()) if known else ()

    def answer(self, passkey: bytes, query: str, host: Address) -> bytes:
        """Answer one announce.

        Args:
            passkey: from the path.
            query: of the URL, percent-encoded.
            host: address of the request's sender.

        Returns:
            The bencoded response.

        Raises:
            AnnounceRejected: the passkey is unknown, revoked or another share's, the announce is malformed, or there
                were too many.
        """
        try:
            announce = parse_announce(query)
        except BadInput:
            raise AnnounceRejected from None
        member = self._passkeys.find(passkey)
        known = self._shares.get(member.share) if member else None
        if member is None or known is None or announce.info_hash not in known.info_hashes:
            raise AnnounceRejected
        if not self._rate_limit.take(member):
            raise AnnounceRejected
        answer = known.registry.announce(member.user, announce, host, self._clock())
        self._on_announce(self._event(member, announce, known.info_hashes[announce.info_hash], host))
        return encode_answer(answer, announce)

    def _event(
        self, member: Member, announce: AnnounceRequest, info_hash: InfoHash, host: Address
    ) -> PeerAnnounced:
        return PeerAnnounced(
            share=member.share,
            user=member.user,
            info_hash=info_hash,
            peer_id=announce.peer_id,
            host=str(host),
            port=announce.port,
            left=announce.left,
            uploaded=announce.uploaded,
            downloaded=announce.downloaded,
            event=announce.event,
            at=int(self._now()),
            corrupt=announce.corrupt,
        )


def _on_the_wire(info_hash: InfoHash) -> bytes:
    """Return the 20 bytes used in announces: SHA-1, or the first 20 bytes of SHA-256 (BEP 52)."""
    try:
        digest = bytes.fromhex(info_hash)
    except ValueError:
        digest = b""
    if len(digest) not in {20, 32}:
        raise BadInput("This is not an info-hash")
    return digest[:20]
