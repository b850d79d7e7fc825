"""The commands about the commands: ``help`` and ``completion``.

Owns names, help and defaults; the work is in `tuishare.cli.manual.topics` and `tuishare.cli.completion.scripts`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

import tuishare


class ShellChoice(StrEnum):
    """A shell with completion."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def register(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command("help")(help_)
    app.command()(completion)
    app.command()(version)


def version() -> None:
    """Show the version."""
    print(f"tuishare {tuishare.__version__}")


def help_(
    topic: Annotated[str, typer.Argument(metavar="[TOPIC]", help="Without one, all topics are listed.")] = "",
) -> None:
    """Explain a topic: what one does with several commands."""
    from tuishare.cli.manual.topics import print_topic, print_topics

    if topic:
        print_topic(topic)
    else:
        print_topics()


def completion(
    shell: Annotated[ShellChoice, typer.Argument(help="The shell.")],
) -> None:
    """Print the completion script of a shell; `tuishare help shells` tells where to put it."""
    from tuishare.cli.completion.scripts import read_script

    print(read_script(shell.value), end="")
