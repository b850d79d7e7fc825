"""``tuishare help``: short texts about what one does with several commands.

Owns the list of topics; each is a file in the folder ``topics``: a title, then paragraphs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tuishare.errors import NotFound

TOPICS: Final = (
    *("start", "sharing", "receiving", "people", "links", "privacy"),
    *("files", "backup", "shells", "exit-codes"),
)
"""In the order in which one reads them."""

_FOLDER: Final = Path(__file__).with_name("topics")


def read_topic(topic: str) -> str:
    """Return the text of a topic: Markdown that is meant to be read as it is."""
    return (_FOLDER / f"{topic}.md").read_text(encoding="utf-8")


def print_topics() -> None:
    """Print each topic with its title."""
    from tuishare.cli.terminal import say  # which completion has no time for

    for topic in TOPICS:
        title = read_topic(topic).partition("\n")[0].removeprefix("# ")
        print(f"{topic:<12} {title}")
    say("Read one with: tuishare help TOPIC. What a command does: tuishare COMMAND --help")


def print_topic(topic: str) -> None:
    """Print one topic.

    Raises:
        NotFound: there is no such topic.
    """
    if topic not in TOPICS:
        raise NotFound(
            f"There is no topic of that name; topics are {', '.join(TOPICS)}", hint="tuishare help"
        )
    print(read_topic(topic).removeprefix("# "), end="")
