"""What somebody on the wire gets to see of a whole delivery (threat T6), captured packet by packet."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, introduce
from tests.agent.shares.test_deliveries import complete, delivery, post
from tests.agent.shares.test_sharing import until
from tests.waiting import wait_until
from tuishare.api.messages import DeliveryState, ShareState

NAME = "the-contract-nobody-may-know-of.pdf"
_ALL = 0x0003  # ETH_P_ALL of linux/if_ether.h


@dataclass
class Capture:
    """TCP payloads that went over loopback, by the ports of both ends."""

    streams: dict[tuple[int, int], bytearray] = field(default_factory=dict)

    def take(self, frame: bytes) -> None:
        """Sort one frame: 14 bytes of Ethernet, then IPv4 (RFC 791) and TCP (RFC 9293)."""
        packet = frame[14:]
        if len(packet) < 40 or packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_TCP:
            return
        header = (packet[0] & 15) * 4
        segment = packet[header : int.from_bytes(packet[2:4])]
        ports = int.from_bytes(segment[:2]), int.from_bytes(segment[2:4])
        self.streams.setdefault(ports, bytearray()).extend(segment[(segment[12] >> 4) * 4 :])

    def of(self, *ports: int) -> bytes:
        """All that was said to or by these ports."""
        return b"\n".join(bytes(said) for ends, said in self.streams.items() if set(ends) & set(ports))


@contextlib.contextmanager
def capturing() -> Iterator[Capture]:
    try:
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
    except PermissionError:
        pytest.skip("only root may capture packets")
    capture, ended = Capture(), threading.Event()
    with wire:
        wire.bind(("lo", 0))
        wire.settimeout(0.2)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)

        def listen() -> None:
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    capture.take(wire.recv(1 << 17))

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield capture
        finally:
            ended.set()
            thread.join()


async def test_a_whole_delivery_shows_nothing_but_the_known_leaks(alice: Home, bob: Home) -> None:
    introduce(alice, bob)
    content = os.urandom(300_000)
    (alice.drop / NAME).write_bytes(content)
    with capturing() as capture:
        async with running(alice) as sender, running(bob) as pipeline:
            await until(sender, NAME, ShareState.SEEDING)
            post(alice, bob)
            await complete(pipeline)
            await wait_until(lambda: delivery(sender).state is DeliveryState.COMPLETE)
            (record,) = pipeline._inbox.queue.downloads.values()
            engine, tracker = sender._context.engine.listening["tls"], sender._context.tracker.port
            assert tracker is not None
    passkeys = {bytes.fromhex(address.url.rpartition("/")[2]) for address in record.trackers}
    assert len(passkeys) == 1
    swarm, asked = capture.of(engine), capture.of(tracker)
    assert len(swarm) > len(content)
    assert asked
    secrets = [
        NAME.encode(),
        b"bob",
        *passkeys,
        *(passkey.hex().encode() for passkey in passkeys),
        str(alice.identity.card("alice")).encode()[20:60],
        alice.identity.signer,
        bytes.fromhex(record.share),
        record.root_certificate,
        record.leaf_certificate[-64:],
        record.leaf_key[-32:],
        *(content[place : place + 16] for place in range(0, len(content), 1000)),
    ]
    for secret in secrets:
        assert secret not in swarm
        assert secret not in asked
    # What it does show, as the README says: the info-hash, in the name that a TLS client calls (SNI).
    assert record.info_hash[:40].encode() in swarm
    assert record.info_hash[:40].encode() not in asked
    assert bytes.fromhex(record.info_hash)[:20] not in asked
