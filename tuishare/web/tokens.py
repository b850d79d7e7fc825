"""Random tokens of sessions, links and forms.

Owns their form. Pure, except that tokens are random. Only hashes of tokens are stored, so that a copy of the database
opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Final

_BYTES: Final = 32
_FORM: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def make_token() -> str:
    """Return a new token: 256 random bits as 43 characters of base64url."""
    return secrets.token_urlsafe(_BYTES)


def is_token(text: str) -> bool:
    """Whether a text has the form of a token."""
    return _FORM.fullmatch(text) is not None


def hash_token(token: str) -> bytes:
    """Return what is stored of a token: its SHA-256, 32 bytes. Random tokens need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def derive_form_token(cookie: str) -> str:
    """Return the token that every form of a visitor carries, made from the cookie that no script can read."""
    return hmac.new(cookie.encode(), b"tuishare form", hashlib.sha256).hexdigest()


def is_form_token(cookie: str, given: str) -> bool:
    """Whether a form carries the token that belongs to the cookie; takes the same time for every wrong one."""
    return hmac.compare_digest(derive_form_token(cookie).encode(), given.encode(errors="replace"))
