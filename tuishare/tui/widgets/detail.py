"""The selected entry: a summary or one of its details, with a chart on a wide terminal.

Owns which section is shown, and when the agent is asked for details. Must not know what the entries are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tuishare.api.messages import Details, Snapshot
from tuishare.presentation.problems import explain_error
from tuishare.tui.cell_text import clean
from tuishare.tui.dashboard_base import DashboardBase
from tuishare.tui.rates import draw_chart
from tuishare.tui.theme import TextStyle
from tuishare.tui.view import Connected

E = TypeVar("E")

CALM: Final = 2.0
"""Seconds between two requests about the same entry."""

_CHART_FROM: Final = 110  # cells; narrower, the text needs all of them
_CHART_WIDTH: Final = 30
_CHART_HEIGHT: Final = 3


@dataclass(frozen=True, slots=True)
class Section(Generic[E]):
    """One section about an entry: a summary from the snapshot, or details that the agent is asked for.

    Attributes:
        title: one word.
        summary: its text from entry, snapshot, moment (Unix seconds) and width in cells.
        details: its text from the agent's answer, moment and width; used without a ``summary``.
    """

    title: str
    summary: Callable[[E, Snapshot, float, int], Content] | None = None
    details: Callable[[Details, float, int], Content] | None = None


class Detail(Vertical, Generic[E]):
    """Shows one entry.

    Args:
        sections: of an entry; the first one is shown first.
        key: identifies an entry.
        ask: asks the agent for the details of an entry.
    """

    app: DashboardBase

    def __init__(
        self,
        sections: Sequence[Section[E]],
        key: Callable[[E], str],
        ask: Callable[[E], Awaitable[Details]] | None = None,
    ) -> None:
        super().__init__(classes="detail")
        self._sections = tuple(sections)
        self._key = key
        self._ask = ask
        self._section = 0
        self._entry: E | None = None
        self._answer: Details | str | None = None
        self._asking = ""
        self._drawn: dict[str, Content] = {}

    def compose(self) -> ComposeResult:
        """Compose titles, words and chart."""
        yield SectionTitles()
        with Horizontal():
            with VerticalScroll(can_focus=False):
                yield Static(classes="words")
            yield Static(classes="chart")

    def on_mount(self) -> None:
        """Ask again every `CALM` seconds while details are visible."""
        self.query_one(".chart").display = False
        self.set_interval(CALM, self._inquire)

    @property
    def section(self) -> str:
        """Title of the current section."""
        return self._sections[self._section].title

    def show(self, entry: E | None) -> None:
        """Show an entry as it is now."""
        self.display = entry is not None
        other = entry is None or self._entry is None or self._key(entry) != self._key(self._entry)
        self._entry = entry
        if other:
            self._answer = None
            self.query_one(VerticalScroll).scroll_home(animate=False)
            self._inquire()
        self.draw()

    def turn(self, step: int) -> None:
        """Show another section."""
        self.open_section((self._section + step) % len(self._sections))

    def open_section(self, number: int) -> None:
        """Show the section of that number, from 0."""
        self._section = number
        self.query_one(VerticalScroll).scroll_home(animate=False)
        self._inquire()
        self.draw()

    def scroll_by(self, lines: int) -> None:
        """Scroll down, or up."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def draw(self) -> None:
        """Draw everything for the current width."""
        snapshot = self.app.view.snapshot
        if self._entry is None or snapshot is None or not self.size.width:
            return
        wide = self._section == 0 and self._ask is not None and self.size.width >= _CHART_FROM
        width = self.size.width - 4 - (_CHART_WIDTH + 4 if wide else 0)
        self._put(".words", self._write(self._entry, snapshot, width))
        self.query_one(SectionTitles).show([section.title for section in self._sections], self._section)
        self.query_one(".chart").display = wide
        if wide:
            self._put(".chart", self._draw_chart(self._entry))

    def on_resize(self, _event: events.Resize) -> None:
        """Fit the text to the new width."""
        self.draw()

    def _write(self, entry: E, snapshot: Snapshot, width: int) -> Content:
        section = self._sections[self._section]
        if section.summary is not None:
            return section.summary(entry, snapshot, self.app.now, width)
        assert section.details is not None, "a section has one of the two"
        if isinstance(self._answer, Details):
            return section.details(self._answer, self.app.now, width)
        return Content.styled(self._answer or "Asking the agent …", TextStyle.QUIET.value)

    def _draw_chart(self, entry: E) -> Content:
        steps = self.app.rates.steps(self._key(entry))
        lines = draw_chart(steps, self.app.now, _CHART_WIDTH, _CHART_HEIGHT)
        chart = [Content.styled(line, TextStyle.BUSY.value) for line in lines]
        return Content("\n").join([Content.styled("last 5 min", TextStyle.QUIET.value), *chart])

    def _put(self, where: str, content: Content) -> None:
        before = self._drawn.get(where)
        if before is None or not before.is_same(
            content
        ):  # each update computes the layout of the whole screen again
            self._drawn[where] = content
            self.query_one(where, Static).update(content)

    def _inquire(self) -> None:
        entry, ask = self._entry, self._ask
        if entry is None or ask is None or self._sections[self._section].details is None:
            return
        key = self._key(entry)
        if key != self._asking and self.is_on_screen and isinstance(self.app.view.connection, Connected):
            self._asking = key
            self.run_worker(self._fetch(entry, ask), exclusive=True, group="details")

    async def _fetch(self, entry: E, ask: Callable[[E], Awaitable[Details]]) -> None:
        answer: Details | str
        try:
            answer = await ask(entry)
        except Exception as error:  # noqa: BLE001 (never a traceback on the screen)
            answer = clean(explain_error(self.app.make_presentable(error)))
        finally:
            self._asking = ""
        if self._entry is not None and self._key(self._entry) == self._key(entry):
            self._answer = answer
            self.draw()


class SectionTitles(Static):
    """The titles of the sections, in a line above them; a click opens one."""

    def __init__(self) -> None:
        super().__init__(classes="sections")
        self._titles: tuple[str, ...] = ()
        self._shown = -1

    def show(self, titles: Sequence[str], shown: int) -> None:
        """Show the titles; a single one is left out, because there is no choice."""
        if (tuple(titles), shown) == (self._titles, self._shown):
            return
        self._titles, self._shown = tuple(titles), shown
        words = [
            (f" {title} ", (TextStyle.STRONG if number == shown else TextStyle.QUIET).value)
            for number, title in enumerate(titles)
        ]
        line = [("── ", TextStyle.QUIET.value), *words, (" ── ← →", TextStyle.QUIET.value)]
        self.update(
            Content.assemble(*line) if len(titles) > 1 else Content.styled("─" * 3, TextStyle.QUIET.value)
        )

    def on_click(self, event: events.Click) -> None:
        """Open the section whose title was clicked."""
        x = event.x - 3
        for number, title in enumerate(self._titles):
            if 0 <= x < len(title) + 2 and isinstance(self.parent, Detail):
                self.parent.open_section(number)
                return
            x -= len(title) + 2
