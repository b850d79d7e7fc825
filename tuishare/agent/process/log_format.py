"""The format of the log: one line per message with its priority, and without secrets.

Owns the format and the last line of defence against secrets in it. Callers must not rely on that: a secret that no
pattern here matches would pass.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import Final, TextIO

from tuishare.net.redaction import redact_url
from tuishare.sanitize import for_display

_HIDDEN: Final = "…"
_URL: Final = re.compile(r"\b(?:udp|https?|wss?|socks5)://[^\s'\"<>]+", re.IGNORECASE)
_SECRETS: Final = (
    re.compile(r"(?<=tuishare-card-v1:)[\w-]+"),
    re.compile(r"-----BEGIN .*?(?:-----END [^-]*-----|\Z)", re.DOTALL),
    re.compile(r"[0-9A-Fa-f]{64,}"),
    re.compile(r"\bb(?:'(?:[^'\\]|\\.){16,}'|\"(?:[^\"\\]|\\.){16,}\")"),  # bytes as Python shows them
    # 32 bytes as base64; names are rarely so long, and more rarely so mixed.
    re.compile(r"(?<![\w+/-])(?=[^\d\s]*\d)(?=[^a-z\s]*[a-z])(?=[^A-Z\s]*[A-Z])[\w+-]{43,}={0,2}", re.ASCII),
)
_PRIORITIES: Final = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}


def redact(text: str) -> str:
    """Remove everything that looks like a key, a passkey or a card, and all but the host of announce URLs."""
    text = _URL.sub(lambda found: redact_url(found[0]), text)
    for secret in _SECRETS:
        text = secret.sub(_HIDDEN, text)
    return text


class LineFormatter(logging.Formatter):
    """Formats for a terminal, or for the journal, which adds the time and expects ``<PRIORITY>`` before each line."""

    def __init__(self, *, journal: bool) -> None:
        super().__init__(
            "%(name)s: %(message)s" if journal else "%(asctime)s %(levelname)s %(name)s: %(message)s"
        )
        self._journal = journal

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 — as in logging
        """Keep a message on its line: names in it may be hostile (threat T14)."""
        message = super().formatMessage(record)
        return for_display(message, limit=max(len(message), 3))

    def format(self, record: logging.LogRecord) -> str:
        """Format one record with its traceback, without secrets."""
        text = redact(super().format(record))
        if not self._journal:
            return text
        mark = f"<{_PRIORITIES.get(record.levelno, 5)}>"  # sd-daemon(3)
        return "\n".join(mark + line for line in text.split("\n"))


def start_logging(*, verbose: bool, stream: TextIO | None = None) -> None:
    """Send the log to a stream, stderr by default."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter(journal=_is_journal(stream)))
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler], force=True)


def _is_journal(stream: TextIO) -> bool:
    """Return whether a stream leads to the journal; the variable alone may be inherited (systemd.exec(5))."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
