"""The page's own files: style sheet and scripts, shipped with the program."""

from __future__ import annotations

from functools import cache
from typing import Final

from tuishare.errors import NotFound
from tuishare.web.templating import FOLDER, asset_path
from tuishare.web.visit import StaticFile, Visit

_TYPES: Final = {
    "page.css": "text/css",
    "icon.svg": "image/svg+xml",
    "link.js": "text/javascript",
    "live.js": "text/javascript",
    "htmx-2.0.11.min.js": "text/javascript",
    "htmx-sse-2.2.4.min.js": "text/javascript",
}


async def send_asset(visit: Visit) -> StaticFile:
    """Send one of the files.

    Raises:
        NotFound: there is no such file, or no longer.
    """
    name = visit.params["name"]
    if name not in _TYPES or asset_path(name) != visit.request.rel_url.raw_path:
        raise NotFound("There is no such file", hint="Open the page again.")
    return StaticFile(_read(name), _TYPES[name])


@cache
def _read(name: str) -> bytes:
    return (FOLDER / "static" / name).read_bytes()
