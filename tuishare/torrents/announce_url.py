"""What an announce URL looks like (BEP 3, BEP 15); the same rule for URLs given here and found in torrents."""

from __future__ import annotations

from urllib.parse import urlsplit

from tuishare.sanitize import is_unseen

_SCHEMES = frozenset({"udp", "http", "https"})
_LONGEST = 2_048


def announce_fault(url: str) -> str | None:
    """Tell why `url` cannot be a tracker, as a clause such as ``names no host``; None if it can.

    The clause repeats nothing of the URL, which may hold a passkey.
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
