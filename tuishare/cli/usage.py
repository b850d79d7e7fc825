"""What the parser of the command line refuses, in the form of all other errors.

Owns the words: one sentence, and a hint that names near options and the help.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from tuishare.cli.manual.command_tree import DeclaredCommand
from tuishare.errors import BadInput

_SINGLE_DASH: Final = re.compile(r"-([A-Za-z][\w-]+)(=.*)?")
_WORDS: Final = {"Value error, ": "", "Input should be": "it must be", "'": ""}
"""Words of the libraries, and what stands for them."""
_SUGGESTION: Final = re.compile(r"\s*(?:Did you mean |\(Possible options?: )(.*?)[?)]\s*$")


def check_options(command: DeclaredCommand, words: Sequence[str]) -> None:
    """Refuse a long option with one dash, which the parser takes for a short one: ``-file=x`` for the file ``ile=x``.

    Raises:
        BadInput: there is one.
    """
    known = {name for option in command.options for name in option.names}
    for word in words:
        found = _SINGLE_DASH.fullmatch(word)
        if found and f"--{found[1]}" in known:
            raise BadInput(f"{word} has one dash too few", hint=f"Write -{word}")


def explain_usage(said: str, command: DeclaredCommand) -> BadInput:
    """Return the error for what the parser says about a command."""
    detail = " ".join(said.split())
    suggestion = _SUGGESTION.search(detail)
    near = suggestion[1].replace("'", "") if suggestion else _near_option(detail, command)
    for theirs, ours in _WORDS.items():
        detail = detail.replace(theirs, ours)
    detail = _SUGGESTION.sub("", detail).rstrip(". ")
    meant = f"Did you mean {near}? " if near else ""
    return BadInput(detail, hint=f"{meant}{' '.join(command.words)} --help shows the usage.")


def _near_option(detail: str, command: DeclaredCommand) -> str:
    given = re.search(r"--[\w-]+", detail) if "No such option" in detail else None
    names = [name for option in command.options for name in option.names if name.startswith("--")]
    return ", ".join(get_close_matches(given[0], [*names, "--help", "--json"], n=1)) if given else ""
