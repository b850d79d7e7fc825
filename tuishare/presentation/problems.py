"""The words for what goes wrong between a front end and the agent, and errors that several front ends raise.

Owns sentences that would otherwise stand in several places. Pure; details in the result are still as others chose them.
"""

from __future__ import annotations

from typing import Final

from tuishare.errors import BadInput, SystemFailed, TuishareError

NEEDS_ATTENTION: Final = "needs attention"
"""What a present problem is called among other events."""


def write_sentence(text: str) -> str:
    """Return the text with a full stop, unless it ends with one or is empty."""
    text = text.strip()
    return text if not text or text[-1] in ".!?…" else f"{text}."


def explain_error(error: TuishareError) -> str:
    """Return what went wrong and what to do about it; the hint as it is, because it may end with a command to type."""
    return f"{write_sentence(error.detail)} {error.hint}".rstrip()


def request_failed() -> SystemFailed:
    """Return the error for a request to the agent that failed in a way nothing foresees."""
    return SystemFailed("The request to the agent failed", hint="Try again.")


def no_recipients() -> BadInput:
    """Return the error for a share or drop folder that names no recipient."""
    return BadInput("No recipients given", hint="Use --to NAME or --to @GROUP; may be repeated.")
