"""The tracker without its network: who may ask, who is there, who is told what.

Owns the rules (threats T7, T10, T11): no peer is named without a valid passkey of that very share; a revoked user's
peers vanish from all answers at once; everything that is refused gets the same answer. Must not open sockets.
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
    """An announce that is not answered; the sentence never says why."""

    def __init__(self) -> None:
        super().__init__("This announce is not accepted")


@dataclass(frozen=True, slots=True)
class _Swarms:
    """One share: its info-hashes as they stand on the wire, and its peers."""

    info_hashes: Mapping[bytes, InfoHash]
    registry: Registry


class Tracker:
    """Answers announces for the shares that were admitted; all calls come from one event loop."""

    def __init__(
        self,
        heard: Callable[[PeerAnnounced], None],
        limits: TrackerLimits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Begin without shares.

        Args:
            heard: is told of every accepted announce, before it is answered; must return at once.
            limits: the bounds; the usual ones if not given.
            clock: seconds, never jumping; for what expires.
            now: Unix seconds; for what is told.
        """
        self.limits = limits or TrackerLimits()
        self._heard = heard
        self._clock = clock
        self._now = now
        self._passkeys = Passkeys()
        self._shares: dict[str, _Swarms] = {}
        self._pace: RateLimit[Member] = RateLimit(
            self.limits.member_burst, self.limits.member_rate, self.limits.addresses, clock
        )

    def admit(
        self,
        share: str,
        members: Mapping[bytes, str],
        swarm: tuple[InfoHash, ...],
        seed: tuple[SeedAddress, ...] = (),
    ) -> None:
        """Answer for a share from now on; replaces whatever was known of it, but keeps the peers of who stays.

        Args:
            share: any name; what `PeerAnnounced` is told with.
            members: SHA-256 of each member's passkey (32 bytes) → user.
            swarm: the share's info-hash, hex; a hybrid torrent has two.
            seed: where our own seed listens; always listed.

        Raises:
            BadInput: an info-hash is none, or a passkey's hash is damaged or another share's; nothing is changed then.
        """
        info_hashes = {_on_the_wire(info_hash): info_hash for info_hash in swarm}
        self._passkeys.replace(share, members)
        known = self._shares.get(share)
        registry = known.registry if known else Registry(seed, self.limits)
        registry.seeds = seed
        registry.keep(set(members.values()), info_hashes)
        self._shares[share] = _Swarms(info_hashes, registry)

    def withdraw(self, share: str) -> None:
        """Answer for a share no longer; harmless when there is none."""
        self._passkeys.drop(share)
        self._shares.pop(share, None)

    def revoke(self, share: str, user: str) -> None:
        """Shut one user out of a share: his passkey is refused and his peers are named to nobody, from now on."""
        self._passkeys.drop(share, user)
        if known := self._shares.get(share):
            others = {presence.user for presence in self.swarm_of(share)} - {user}
            known.registry.keep(others, known.info_hashes)

    def swarm_of(self, share: str) -> tuple[PeerPresence, ...]:
        """Who is in a share's swarms now, our own seed aside; nobody if there is no such share."""
        known = self._shares.get(share)
        return known.registry.present(self._clock()) if known else ()

    def answer(self, passkey: bytes, query: str, host: Address) -> bytes:
        """Answer one announce.

        Args:
            passkey: from the path.
            query: of the URL, still percent-encoded.
            host: where the request comes from.

        Returns:
            The bencoded answer.

        Raises:
            Unwelcome: the passkey is unknown, revoked or another share's, or the announce is malformed or comes too
                often.
        """
        try:
            announce = parse_announce(query)
        except BadInput:
            raise AnnounceRejected from None
        member = self._passkeys.find(passkey)
        known = self._shares.get(member.share) if member else None
        if member is None or known is None or announce.info_hash not in known.info_hashes:
            raise AnnounceRejected
        if not self._pace.take(member):
            raise AnnounceRejected
        answer = known.registry.announce(member.user, announce, host, self._clock())
        self._heard(self._told(member, announce, known.info_hashes[announce.info_hash], host))
        return encode_answer(answer, announce)

    def _told(
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
    """Give the 20 bytes that announces hold: SHA-1, or the first 20 bytes of SHA-256 (BEP 52)."""
    try:
        digest = bytes.fromhex(info_hash)
    except ValueError:
        digest = b""
    if len(digest) not in {20, 32}:
        raise BadInput("This is not an info-hash")
    return digest[:20]
