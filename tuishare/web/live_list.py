"""Lists that stay current: what a page shows first, and what changes afterwards.

Owns how entries become parts of a page with an id, and the pace of updates: what has changed since, at most as many
bytes a second as a slow line carries. The parts are macros of ``parts.html``.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from tuishare.api.messages import Snapshot
from tuishare.web.page_values import page_values
from tuishare.web.templating import render_parts
from tuishare.web.visit import FormFields, LiveStream, Page, Visit

_PAUSE: Final = 1.0
"""Seconds between two updates, at least."""
_RATE: Final = 12 * 1024
"""Bytes a second for one page; what does not fit into an update is in the next one, as it is then."""
_QUIET: Final = 15.0
"""Seconds after which a line without content tells that the page is still served, and the session is checked."""
_WRITE_SECONDS: Final = 10.0
_STATUS: Final = "agent-status"

Shown = dict[str, Any]
"""The entries that a page shows, by key, and the agent's status."""


@dataclass(frozen=True)
class LiveList:
    """One kind of list.

    Attributes:
        part: name of the macro of one entry.
        pick: takes the entries out of a snapshot, in their order.
        key: identifies an entry as long as it exists.
        words: what the filter searches; None: there is no filter.
        orders: sort keys by the name of a column.
        into: id of the element that new entries are put into; empty: entries are never added.
    """

    part: str
    pick: Callable[[Snapshot], Iterable[Any]]
    key: Callable[[Any], str]
    words: Callable[[Any], str] | None = None
    orders: Mapping[str, Callable[[Any], Any]] | None = None
    into: str = ""

    def select(self, snapshot: Snapshot, query: FormFields) -> list[Any]:
        """Return the entries that a query asks for, in its order."""
        entries = list(self.pick(snapshot))
        wanted = query.text("filter").casefold()
        if wanted and self.words:
            entries = [entry for entry in entries if wanted in self.words(entry).casefold()]
        order = (self.orders or {}).get(query.text("sort"))
        return sorted(entries, key=order) if order else entries

    def only(self, key: str) -> LiveList:
        """Return the list of one entry."""
        return LiveList(
            self.part, lambda snapshot: (one for one in self.pick(snapshot) if self.key(one) == key), self.key
        )

    def show(
        self, visit: Visit, snapshot: Snapshot, template: str, path: str, values: Mapping[str, Any]
    ) -> Page:
        """Return a page of these entries that stays current.

        Args:
            visit: of the page.
            snapshot: that is shown.
            template: of the page.
            path: of its stream.
            values: for the template, besides.
        """
        entries = self.select(snapshot, visit.query)
        page = visit.state.remember(self._shown(snapshot, entries))
        asked = {name: text for name in ("filter", "sort") if (text := visit.query.text(name))}
        live = {
            "entries": entries,
            "snapshot": snapshot,
            "status": snapshot.status,
            "live_path": f"{path}?{urlencode({'page': page} | asked)}",
            "dom_id": self.dom_id,
            "asked": asked,
        }
        return Page(template, live | dict(values))

    def follow(self, visit: Visit) -> LiveStream:
        """Return the stream of a page, as long as its session lasts."""

        async def write(response: web.StreamResponse) -> None:
            shown = visit.state.recall(visit.query.text("page"))
            if shown is None:  # it was open before the page's process started, or was lost for too long
                await _send(response, "stale", "again")
                return
            async with visit.state.followed():
                await self._write(visit, response, shown)

        return LiveStream(write)

    def dom_id(self, entry: Any) -> str:
        """Return the id of the part of an entry."""
        return self._id(self.key(entry))

    async def _write(self, visit: Visit, response: web.StreamResponse, shown: Shown) -> None:
        revision, lost = -1, False
        while True:
            revision = await visit.state.wait_for_change(revision, _QUIET)
            if not await visit.sessions.still_holds(visit.member):
                await tell_ended(response)
                return
            parts = render_parts("parts", page_values(visit, visit.cookie))
            text = ""
            if (visit.state.lost is not None) is not lost:
                lost = not lost
                text = str(parts.connection(visit.state.lost))
            if visit.state.snapshot is not None and not lost:
                changes, more = self._changes(visit, visit.state.snapshot, shown, parts)
                text += changes
                revision = -1 if more else revision
            sent = await _send(response, "message", text)
            await asyncio.sleep(max(_PAUSE, sent / _RATE))

    def _changes(self, visit: Visit, snapshot: Snapshot, shown: Shown, parts: Any) -> tuple[str, bool]:
        """Return parts that differ from what is shown, and whether more of them wait for the next update.

        What is sent is noted in `shown`, at its end: the entries that were sent longest ago come first.
        """
        now = self._shown(snapshot, self.select(snapshot, visit.query))
        pieces = []
        if now[_STATUS] != shown.get(_STATUS):
            pieces.append(str(parts.status_line(snapshot.status, True)))
            shown[_STATUS] = now[_STATUS]
        for key in shown.keys() - now.keys():
            pieces.append(str(parts.gone(self._id(key))))
            del shown[key]
        new = [key for key in now if key not in shown]
        waiting = [*new, *(key for key in shown if shown[key] != now[key])]
        size = sent = 0
        for key in waiting:
            if size > _RATE:
                break
            known = shown.pop(key, None) is not None
            row = getattr(parts, self.part)(now[key], self._id(key), known)
            pieces.append(str(row if known else parts.added(row, self.into)))
            shown[key] = now[key]
            size, sent = size + len(pieces[-1]), sent + 1
        return "".join(pieces), sent < len(waiting)

    def _shown(self, snapshot: Snapshot, entries: Iterable[Any]) -> Shown:
        still = msgspec.structs.replace(snapshot.status, now=0)
        return {_STATUS: still} | {self.key(entry): entry for entry in entries}

    def _id(self, key: str) -> str:
        return (
            f"{self.part.replace('_', '-')}-{hashlib.sha256(key.encode(errors='replace')).hexdigest()[:16]}"
        )


async def tell_ended(response: web.StreamResponse) -> None:
    """Tell a page without a session to open itself again, which leads to log-in: a redirect would only be retried."""
    await _send(response, "stale", "ended")


async def _send(response: web.StreamResponse, event: str, text: str) -> int:
    """Send one event, or a comment without one; return its length in bytes."""
    line = re.sub(r"\s*\n\s*", " ", text).strip()
    data = f"event: {event}\ndata: {line}\n\n".encode() if line else b":\n\n"
    async with asyncio.timeout(_WRITE_SECONDS):
        await response.write(data)
    return len(data)
