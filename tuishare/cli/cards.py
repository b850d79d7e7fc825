"""Cards and fingerprints on the command line.

Owns how a card comes in, how our own goes out, and how a fingerprint is shown to somebody who is to compare it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import msgspec

from tuishare.cli.offline_home import open_home
from tuishare.cli.terminal import say
from tuishare.errors import BadInput, from_os_error
from tuishare.people import Card, Fingerprint, parse_card
from tuishare.people.cards import CARD_PREFIX
from tuishare.people.key_rotation import SUCCESSION_PREFIX

_LIMIT: Final = 64 * 1024


def print_card(*, as_json: bool) -> None:
    """Print our own card, which anybody may see; what to compare goes to stderr."""
    home = open_home()
    card = home.identity.card(home.config.name)
    if as_json:
        print(msgspec.json.encode(describe_card(card)).decode())
        return
    print(card, flush=True)
    show_fingerprint(card.name, card.fingerprint)


def describe_card(card: Card) -> dict[str, str]:
    """Put a card into JSON's terms."""
    return {
        "name": card.name,
        "card": str(card),
        "words": " ".join(card.fingerprint.words),
        "base32": card.fingerprint.base32,
    }


def show_fingerprint(name: str, fingerprint: Fingerprint) -> None:
    """Show both spellings on stderr."""
    say(f"Fingerprint of {name}:")
    say(f"  {' '.join(fingerprint.words[:6])}")
    say(f"  {' '.join(fingerprint.words[6:])}")
    say(f"  or {fingerprint.base32}")


def read_card(given: str) -> Card:
    """Read a card: its text, ``-`` for stdin, or the name of a file that holds it.

    Raises:
        BadInput: it is none.
        NotFound: there is no such file.
        SystemFailed: the file cannot be read.
    """
    return parse_card(read_text(given))


def read_text(given: str) -> str:
    """Read the text of a card or of a succession: itself, ``-`` for stdin, or the name of a file that holds it.

    Raises:
        BadInput: it can be none of them.
        NotFound: there is no such file.
        SystemFailed: the file cannot be read.
    """
    if given.strip().startswith((CARD_PREFIX, SUCCESSION_PREFIX)):
        return given
    return _read_start(given).decode(errors="replace")


def _read_start(name: str) -> bytes:
    try:
        if name == "-":
            return sys.stdin.buffer.read(_LIMIT) if sys.stdin else b""
        if len(os.fsencode(name)) > os.pathconf("/", "PC_PATH_MAX"):
            raise BadInput(f"A card starts with '{CARD_PREFIX}'", hint="Copy the whole card again.")
        with Path(name).open("rb") as file:
            return file.read(_LIMIT)
    except OSError as error:
        raise from_os_error(error, f"read the card from {name}") from error
