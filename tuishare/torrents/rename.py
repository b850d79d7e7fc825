"""Gives a torrent another name without hashing its payload again.

Owns the one field of the info dictionary that names the payload; everything hashed stays as it is.
"""

from __future__ import annotations

from tuishare.errors import BadInput
from tuishare.torrents import bencode
from tuishare.torrents.path_rules import tree_fault
from tuishare.torrents.torrent import parse_torrent
from tuishare.torrents.torrent_limits import DEFAULT_LIMITS


def rename_torrent(data: bytes, name: str) -> bytes:
    """Return the torrent of the same payload under another name, without hashing again; its info-hash differs.

    Args:
        data: a .torrent of ours.
        name: the new name of the file or folder.

    Raises:
        BadInput: `data` is not a torrent, or recipients would refuse the name.
    """
    torrent = parse_torrent(data)
    top = bencode.decode(data)
    assert isinstance(top, dict)  # it parsed
    info = top[b"info"]
    assert isinstance(info, dict)
    old, new = torrent.name.encode(), name.encode()
    info[b"name"] = new
    parts = [file.parts for file in torrent.files]
    if not torrent.is_folder:
        parts = [(name,)]
        tree = info.get(b"file tree")
        if isinstance(tree, dict):  # BEP 52: a single file is in the tree under the torrent's name
            tree[new] = tree.pop(old)
    if fault := tree_fault(name, parts, DEFAULT_LIMITS):
        raise BadInput(f"The payload cannot have that name: {fault}", hint="Choose another name.")
    return bencode.encode(top)
