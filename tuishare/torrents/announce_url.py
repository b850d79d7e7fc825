"""Validation of announce URLs (BEP 3, BEP 15), our own and those in torrents."""

from __future__ import annotations

from urllib.parse import urlsplit

from tuishare.sanitize import is_unseen

_SCHEMES = frozenset({"udp", "http", "https"})
_LONGEST = 2_048


def announce_fault(url: str) -> str | None:
    """Return why `url` is not an announce URL, as a clause such as ``names no host``; None if it is one.

    The clause does not quote the URL, which may contain a passkey.
    """
    if len(url) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    if any(character.isspace() or is_unseen(character) for character in url):
        return "contains a space or a control character"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is malformed"
    if parts.scheme not in _SCHEMES:
        return "does not begin with udp://, http:// or https://"
    if not parts.hostname:
        return "names no host"
    if port == 0 or (port is None and parts.scheme == "udp"):
        return "names no port"
    return None
