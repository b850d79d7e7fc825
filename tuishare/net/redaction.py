"""Redaction of secrets in announce URLs and in messages of trackers.

Owns the rule: a passkey may be anywhere in path, query or user part, so nothing of them is shown but a leading
``/announce``.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from tuishare.sanitize import for_display

_MARK = "…"
_SHORTEST_SECRET = 6


def redact_url(url: str) -> str:
    """Return scheme, host and port, and ``/announce`` where the path starts with it."""
    try:
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return _MARK
    rest = parts.path.removeprefix("/announce")
    known = "/announce" if rest != parts.path and rest[:1] in ("", "/") else ""
    hidden = f"/{_MARK}" if rest.strip("/") or parts.query else ""
    return for_display(f"{parts.scheme}://{host}{port}{known}{hidden}", limit=200)


def redact_text(text: str, url: str) -> str:
    """Return a tracker's message without any part of the announce URL but its host.

    Args:
        text: an error message; may quote parts of the URL. Untrusted: sanitized and cut to 200 characters.
        url: the whole announce URL.
    """
    text = text.replace(url, redact_url(url)) if url else text
    for secret in sorted(_secrets(url), key=len, reverse=True):
        text = re.sub(re.escape(secret), _MARK, text, flags=re.IGNORECASE)
    return for_display(text, limit=200)


def _secrets(url: str) -> set[str]:
    """Return every part of path, query and user that is long enough to be a passkey, raw and decoded."""
    authority_and_rest = url.partition("://")[2]
    authority, _, rest = authority_and_rest.partition("/")
    user = authority.rpartition("@")[0]
    parts = re.split(r"[/?&=:#;]", f"{rest}/{user}")
    return {
        form
        for part in parts
        for form in (part, unquote(part))
        if len(form) >= _SHORTEST_SECRET and form != "announce"
    }
