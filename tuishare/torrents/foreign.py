"""Torrents of other programs: what is needed to seed one, in the canonical form that `parse_torrent` reads.

Owns what is overlooked: the info-hash covers only the info dictionary, so around it keys may be in any order, bytes may
follow the end, and a field may have another type than the BEPs say. Only for files that the user named; envelopes
are read strictly.
"""

from __future__ import annotations

from tuishare.errors import BadInput
from tuishare.torrents import bencode
from tuishare.torrents.bencode import Value
from tuishare.torrents.dict_reader import malformed, text
from tuishare.torrents.errors import TooLarge
from tuishare.torrents.policy import announce_fault


def canonical_torrent(data: bytes) -> bytes:
    """Return a torrent with the same info dictionary and trackers in canonical form.

    Trackers that cannot be used, comments, web seeds and nodes are left out.

    Args:
        data: the .torrent, of any program.

    Raises:
        BadInput: it is not bencoded or has no info dictionary, or the info dictionary is not in canonical form.
        TooLarge: it has too many values.
    """
    top = bencode.decode_entries(data)
    if b"info" not in top:
        raise malformed("“info” is missing")
    try:
        wanted: dict[bytes, Value] = {b"info": bencode.decode(top[b"info"])}
    except TooLarge:
        raise
    except BadInput as error:  # only the order of its keys can be wrong: all else was found above
        raise BadInput(
            "Another program made this torrent: its info dictionary is not in canonical form",
            hint="Make a new torrent of the same files: `tuishare create`.",
        ) from error
    if b"piece layers" in top:
        wanted[b"piece layers"] = bencode.decode(top[b"piece layers"], strict=False)
    single = _decoded(top, b"announce")
    if urls := [url for tier in (single if isinstance(single, list) else [single]) for url in _usable(tier)]:
        wanted[b"announce"] = urls[0]
    tiers = _decoded(top, b"announce-list")
    usable = [_usable(tier) for tier in (tiers if isinstance(tiers, list) else [tiers])]
    wanted[b"announce-list"] = [[*urls] for urls in usable if urls]
    return bencode.encode(wanted)


def _decoded(top: dict[bytes, bytes], name: bytes) -> Value:
    return bencode.decode(top[name], strict=False) if name in top else []


def _usable(tier: Value) -> list[bytes]:
    """Return the trackers of a tier (BEP 12), which is a list, or a single URL as some programs write it."""
    urls = tier if isinstance(tier, list) else [tier]
    stripped = [url.strip() for url in urls if isinstance(url, bytes)]
    return [url for url in stripped if not announce_fault(text(url))]
