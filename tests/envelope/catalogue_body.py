"""Faults of the body: its encryption, its padding, its signature."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.envelope.forge import (
    CONTENT_KEY,
    MANIFEST,
    SIGNER_PUBLIC,
    Change,
    Forgery,
    flipped,
    hkdf,
    pack,
    pack_in_order,
    padme,
    replaced,
    seed,
    signed_bytes,
)

Fault = tuple[str, str, bytes]
ORDER = 2**252 + 27742317777372353535851937790883648493
MANIFEST_DATA = pack(MANIFEST)
MALLORY = Ed25519PrivateKey.from_private_bytes(seed("mallory Ed25519", 32))


def damaged() -> Iterator[Fault]:
    for name, why, forgery in (*_encryption(), *_padding(), *_signature(), *_encoding()):
        yield name, why, forgery.to_bytes()


def _encryption() -> Iterator[tuple[str, str, Forgery]]:
    yield "first-bit", "the first bit", Forgery(body=lambda body: flipped(body, 0, 0x80))
    yield "tag", "the last bit", Forgery(body=lambda body: flipped(body, -1))
    yield "content-key", "encrypted under the content key itself", Forgery(body_key=CONTENT_KEY)
    other = hkdf(CONTENT_KEY, seed("another id", 32), b"tuishare/TSE1/body")
    yield "other-id", "its key derived with another envelope id", Forgery(body_key=other)
    commitment = hkdf(CONTENT_KEY, seed("envelope id", 32), b"tuishare/TSE1/commitment")
    yield "commitment-key", "encrypted under the commitment, which is public", Forgery(body_key=commitment)
    yield "no-associated", "no associated data", Forgery(associated=lambda _: b"")
    yield (
        "associated-without-iv",
        "the IV not in the associated data",
        Forgery(associated=lambda data: data[:-12]),
    )
    yield (
        "associated-header",
        "only the header in the associated data",
        Forgery(associated=lambda data: data[:70]),
    )


def _padding() -> Iterator[tuple[str, str, Forgery]]:
    yield "not-padded", "no padding", Forgery(padded_to=lambda size: size)
    yield (
        "padded-further",
        "padded to the next size but one",
        Forgery(padded_to=lambda size: padme(padme(size) + 1)),
    )
    yield "padded-by-one", "one zero more than Padmé gives", Forgery(padded_to=lambda size: padme(size) + 1)
    yield "padding-last", "the last padding byte is 1", Forgery(plaintext=lambda data: data[:-1] + b"\x01")
    yield "length-beyond", "its length points beyond the end", Forgery(inner_length=2**32 - 1)
    yield "length-zero", "its length is zero", Forgery(inner_length=0)


def _signature() -> Iterator[tuple[str, str, Forgery]]:
    yield (
        "signature-bit",
        "a bit of the signature",
        Forgery(signature=lambda signature: flipped(signature, 0)),
    )
    yield "signature-zero", "a signature of zeros", Forgery(signature=lambda _: bytes(64))
    yield "signature-plus-order", "S + L for S (RFC 8032, 5.1.7)", Forgery(signature=_add_order)
    yield "other-signer", "signed by another than it says", Forgery(signature=_by_mallory)
    yield (
        "other-slots",
        "signed for other slots: re-addressed",
        Forgery(signed_bytes=lambda head, manifest: signed_bytes(flipped(head, -1), manifest)),
    )
    yield (
        "other-header",
        "signed for another envelope id",
        Forgery(signed_bytes=lambda head, manifest: signed_bytes(flipped(head, 6), manifest)),
    )
    yield (
        "other-manifest",
        "signed for another manifest",
        Forgery(signed_bytes=lambda head, manifest: signed_bytes(head, flipped(manifest, -1))),
    )
    yield "manifest-alone", "the manifest alone is signed", Forgery(signed_bytes=lambda _, manifest: manifest)
    yield (
        "no-domain",
        "signed without the domain string",
        Forgery(
            signed_bytes=lambda head, manifest: signed_bytes(head, manifest)[
                len(b"tuishare/TSE1/signature") :
            ]
        ),
    )
    for order, point in (("one", b"\x01"), ("one-unreduced", b"\xee" + b"\xff" * 30 + b"\x7f")):
        yield (
            f"signer-order-{order}",
            "a signer of order 1: anybody can sign for it",
            Forgery(signed=_signed_with(signer=point.ljust(32, b"\0"), signature=b"\x01".ljust(64, b"\0"))),
        )


def _encoding() -> Iterator[tuple[str, str, Forgery]]:
    yield "signer-31", "a signer of 31 bytes", Forgery(signed=_signed_with(signer=SIGNER_PUBLIC[:31]))
    yield "signer-33", "a signer of 33 bytes", Forgery(signed=_signed_with(signer=SIGNER_PUBLIC + b"x"))
    yield "signature-63", "a signature of 63 bytes", Forgery(signature=lambda signature: signature[:63])
    yield "signature-65", "a signature of 65 bytes", Forgery(signature=lambda signature: signature + b"x")
    yield "manifest-text", "the manifest as text", Forgery(signed=_signed_with(manifest="text"))
    yield "unknown-field", "a field beside the three, not signed", Forgery(signed=_signed_with(other=1))
    yield (
        "unknown-deep",
        "such a field nested 2,000 deep",
        Forgery(signed=_signed_with(other=msgspec.Raw(b"\x91" * 2000 + b"\xc0"))),
    )
    yield (
        "deep",
        "arrays nested 2,000 deep instead of a map",
        Forgery(signed=lambda _: b"\x91" * 2000 + b"\xc0"),
    )
    yield "no-signature", "no signature", Forgery(signed=_without("signature"))
    yield "no-signer", "no signer", Forgery(signed=_without("signer"))
    yield "unsorted", "keys not ascending", Forgery(signed=_reversed)
    yield "trailing", "a byte after the map", Forgery(signed=lambda data: data + b"\xc0")
    yield (
        "array",
        "an array instead of a map",
        Forgery(signed=lambda data: pack(list(_fields(data).values()))),
    )
    yield (
        "long-form",
        "a length in two bytes where one does",
        Forgery(signed=lambda data: replaced(data, b"\xc4\x40", b"\xc5\x00\x40")),
    )


def _by_mallory(_: bytes) -> bytes:
    head = Forgery().to_bytes()[: 70 + 3072]
    return MALLORY.sign(signed_bytes(head, MANIFEST_DATA))


def _add_order(signature: bytes) -> bytes:
    scalar = int.from_bytes(signature[32:], "little") + ORDER
    return signature[:32] + scalar.to_bytes(32, "little")


def _fields(data: bytes) -> dict[str, object]:
    return msgspec.msgpack.decode(data, type=dict[str, object])


def _signed_with(**fields: object) -> Change:
    return lambda data: pack(_fields(data) | fields)


def _without(name: str) -> Change:
    return lambda data: pack({key: value for key, value in _fields(data).items() if key != name})


def _reversed(data: bytes) -> bytes:
    return pack_in_order(**dict(reversed(_fields(data).items())))
