"""The sentences between header and tables: the agent is lost, or something needs the person.

Owns their wording, as Textual content. Pure; every foreign text is cleaned here.
"""

from __future__ import annotations

from typing import assert_never

from textual.content import Content

from tuishare.api.messages import Problem
from tuishare.tui.formats import clean, format_span
from tuishare.tui.theme import TextStyle
from tuishare.tui.view import Connecting, Live, Lost, View


def write_notice(view: View, now: float) -> Content | None:
    """Say what is wrong just now, the worst first; None when nothing is."""
    if isinstance(view.link, Lost):
        return _write_lost(view.link, now, stale=view.snapshot is not None)
    return _write_problem(view.problems) if view.problems else None


def write_farewell(view: View) -> str:
    """Say on the terminal, after the dashboard has gone, what becomes of the agent."""
    match view.link:
        case Lost(detail=detail, hint=hint):
            return f"{_sentence(detail)} {_sentence(hint)}".rstrip()
        case Live():
            return "The agent keeps running. End it with: tuishare stop"
        case Connecting():
            return "The agent did not answer yet. See how it is with: tuishare status"
        case _:
            assert_never(view.link)


def _write_lost(lost: Lost, now: float, *, stale: bool) -> Content:
    age = f" What you see is {format_span(now - lost.since)} old." if stale else ""
    key = "s start it" if lost.startable else "s try again"
    return Content.assemble(
        (f"! Agent lost.{age}", TextStyle.BAD.value),
        f" {_sentence(lost.detail)} {_sentence(lost.hint)}\n",
        (key, TextStyle.STRONG.value),
        (f" · by itself in {format_span(lost.retry_at - now)}", TextStyle.QUIET.value),
    )


def _write_problem(problems: tuple[Problem, ...]) -> Content:
    first, more = problems[0], len(problems) - 1
    return Content.assemble(
        (f"! {_sentence(first.title)}", TextStyle.BAD.value),
        f" {_sentence(first.detail)}",
        (f" {_sentence(first.hint)}" if first.hint else "", TextStyle.WARN.value),
        (f" (and {more} more)" if more else "", TextStyle.QUIET.value),
    )


def _sentence(text: str) -> str:
    text = clean(text).strip()
    return text if not text or text[-1] in ".!?…" else f"{text}."
