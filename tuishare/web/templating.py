"""Templates: from values to HTML.

Owns the environment of Jinja: everything is escaped, and everything untrusted is made safe to display (threat T14), in
one place for all templates. Templates get the words of `tuishare.presentation`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from tuishare.presentation import actions, formats, invitations, links, problems, states, transfers
from tuishare.sanitize import for_display

FOLDER: Final = Path(__file__).parent
_LONGEST: Final = 4096


class EditableText:
    """Text of several lines that goes into a text area, where it changes nothing around it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __html__(self) -> str:
        # A first newline in a text area is dropped by browsers.
        return f"\n{escape(self._text)}"


def finalize(value: Any) -> Any:
    """Make a value safe before it is escaped: text loses its controls, and None is nothing."""
    if value is None:
        return ""
    return for_display(value, _LONGEST) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _environment() -> Environment:

    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    for room in (actions, formats, invitations, links, problems, states, transfers):
        public = {name: word for name, word in vars(room).items() if callable(word) and name[0].islower()}
        environment.globals.update(public)
    environment.globals["asset"] = asset_path
    environment.filters["path"] = lambda text: quote(str(text), safe="")
    environment.filters["editable"] = EditableText
    return environment


def render(template: str, values: Mapping[str, Any]) -> str:
    """Return a page, or a part of one."""
    return _environment().get_template(f"{template}.html").render(values)


def render_parts(template: str, values: Mapping[str, Any]) -> Any:
    """Return a template as a module, whose macros make parts of a page."""
    return _environment().get_template(f"{template}.html").make_module(dict(values))


def asset_path(name: str) -> str:
    """Return the path of a static file; it changes with the file, so that browsers may keep it."""
    return f"/static/{_digest(name)}/{name}"


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((FOLDER / "static" / name).read_bytes()).hexdigest()[:16]
