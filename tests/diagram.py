"""The steps of shares and downloads in docs/architecture.md, drawn from the tables that the code follows.

Run ``python -m tests.diagram`` after a change of a table; a test compares the two.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from tuishare.agent.downloads.transitions import TRANSITIONS as DOWNLOADS
from tuishare.agent.shares.transitions import TRANSITIONS as SHARES
from tuishare.core.records import TransitionTable

PLACE: Final = Path(__file__).parent.parent / "docs" / "architecture.md"
_TEXT: Final = """\
## Steps of a {name}

```mermaid
stateDiagram-v2
{diagram}
```

What happens in each step; an event that leaves a step as it is stands as “stays”, and a pair without an entry is a
mistake in the program. {room} has one function for each event.

{table}
"""
_Step = TypeVar("_Step", bound=StrEnum)
_Event = TypeVar("_Event", bound=StrEnum)


def draw(table: TransitionTable[_Step, _Event]) -> Iterator[str]:
    """The lines of a Mermaid state diagram, without what leaves a step as it is."""
    steps = {step for step, _, _ in table}
    sources: dict[tuple[_Step, _Event], set[_Step]] = defaultdict(set)
    for step, event, targets in table:
        for target in targets - {step}:
            sources[target, event].add(step)
    labels: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (target, event), found in sources.items():
        drawn: list[str] = ["any"] if found >= steps - {target} else sorted(found)
        for source in drawn:
            labels[source, target].append(_words(event))
    if any(source == "any" for source, _ in labels):
        yield '    state "any step" as any'
    yield f"    [*] --> {table.initial}"
    for (start, end), events in sorted(labels.items()):
        yield f"    {start} --> {end}: {', '.join(events)}"


def tabulate(table: TransitionTable[_Step, _Event]) -> Iterator[str]:
    """The lines of a Markdown table: events down, steps across."""
    steps = list(dict.fromkeys(step for step, _, _ in table))
    steps.sort(key=list(type(steps[0])).index)
    yield f"| event | {' | '.join(steps)} |"
    yield f"|---|{'---|' * len(steps)}"
    for event in dict.fromkeys(event for _, event, _ in table):
        cells = [_cell(step, table.targets(step, event)) for step in steps]
        yield f"| {_words(event)} | {' | '.join(cells)} |"


def _cell(step: _Step, targets: frozenset[_Step]) -> str:
    return " or ".join("stays" if target is step else target for target in sorted(targets))


def _words(event: StrEnum) -> str:
    return event.replace("_", " ")


def render(text: str) -> str:
    """A document with both chapters as they are now."""
    for name, diagram, table in (
        ("share", draw(SHARES), tabulate(SHARES)),
        ("download", draw(DOWNLOADS), tabulate(DOWNLOADS)),
    ):
        chapter = _TEXT.format(
            name=name,
            room=f"`tuishare/agent/{name}s/transitions.py`",
            diagram="\n".join(diagram),
            table="\n".join(table),
        )
        begin, end = (
            f"<!-- steps of a {name}: python -m tests.diagram -->",
            f"<!-- end of steps of a {name} -->",
        )
        text, found = re.subn(
            f"{re.escape(begin)}.*?{re.escape(end)}",
            lambda _: f"{begin}\n{chapter}{end}",  # noqa: B023 — used at once
            text,
            flags=re.DOTALL,
        )
        assert found == 1, f"{PLACE} has no place for the steps of a {name}"
    return text


if __name__ == "__main__":
    PLACE.write_text(render(PLACE.read_text()))
