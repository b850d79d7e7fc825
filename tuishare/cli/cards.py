"""Cards and fingerprints on the command line.

Owns how a card is read and printed, and how a fingerprint is shown for comparison.
"""

from __future__ import annotations

import os
from typing import Final

from tuishare.api.home_files import describe_card
from tuishare.api.messages import CardInfo, People
from tuishare.cli.input_files import read_start
from tuishare.cli.json_output import print_json
from tuishare.cli.offline_home import open_home
from tuishare.cli.terminal import say
from tuishare.errors import BadInput
from tuishare.people import Card, decode_text, parse_card
from tuishare.people.cards import CARD_PREFIX
from tuishare.people.key_rotation import SUCCESSION_PREFIX

_LIMIT: Final = 64 * 1024


def print_card(*, as_json: bool) -> None:
    """Print this home's own card, which is public; its fingerprint goes to stderr."""
    home = open_home()
    card = describe_card(home.identity.card(home.config.name))
    if as_json:
        print_json(card)
        return
    print(card.card, flush=True)
    show_fingerprint(card.name, card)


def show_fingerprint(name: str, card: CardInfo | People) -> None:
    """Print the fingerprint of a card to stderr, as words and as letters."""
    words = card.words.split()
    say(f"Fingerprint of {name}:")
    say(f"  {' '.join(words[:6])}")
    say(f"  {' '.join(words[6:])}")
    say(f"  or {card.fingerprint}")


def read_card(given: str) -> Card:
    """Read a card; arguments and errors as for `read_text`.

    Raises:
        BadInput: it is not a card.
    """
    return parse_card(read_text(given))


def read_text(given: str) -> str:
    """Read the text of a card, or of a card's statement for its successor.

    Args:
        given: the text itself, ``-`` for stdin, or the name of a file that holds it.

    Raises:
        BadInput: it cannot be any of them.
        NotFound: there is no such file.
        SystemFailed: the file cannot be read.
    """
    if given.strip().startswith((CARD_PREFIX, SUCCESSION_PREFIX)):
        return given
    if len(os.fsencode(given)) > os.pathconf("/", "PC_PATH_MAX"):
        raise BadInput(f"A card starts with '{CARD_PREFIX}'", hint="Copy the whole card again.")
    return decode_text(read_start(given, _LIMIT, "the card"), "card")
