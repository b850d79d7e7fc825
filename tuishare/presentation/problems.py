"""The wording of errors, and the errors that several front ends raise.

Owns sentences that would otherwise stand in several places. Pure; details in the result are untrusted text.
"""

from __future__ import annotations

from typing import Final

from tuishare.errors import BadInput, SystemFailed, TuishareError

NEEDS_ATTENTION: Final = "needs attention"
"""The kind of a current problem in a list of events."""


def write_sentence(text: str) -> str:
    """Return the text with a full stop, unless it ends with one or is empty."""
    text = text.strip()
    return text if not text or text[-1] in ".!?…" else f"{text}."


def explain_error(error: TuishareError) -> str:
    """Return detail and hint of an error; the hint unchanged, because it may end with a command to type."""
    return f"{write_sentence(error.detail)} {error.hint}".rstrip()


def request_failed() -> SystemFailed:
    """Return the error for a request to the agent that failed unexpectedly."""
    return SystemFailed("The request to the agent failed", hint="Try again.")


def no_recipients() -> BadInput:
    """Return the error for a share or drop folder that names no recipient."""
    return BadInput("No recipients given", hint="Use --to NAME or --to @GROUP; may be repeated.")
