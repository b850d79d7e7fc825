"""Who: our own identity, the cards of others, their fingerprints, the user book and its groups.

Owns the files ``identity.key`` and ``users.toml`` and every rule about names, cards and keys. Must not know
envelopes, torrents or the network, and must not decide what somebody may do: it only says who somebody is.
"""

from tuishare.people.book import UserBook
from tuishare.people.book_file import edit_book, load_book, save_book
from tuishare.people.cards import Card, parse_card
from tuishare.people.changes import Newcomer, add_newcomer, card_of, regroup, rekey, set_groups, trust
from tuishare.people.fingerprints import Fingerprint
from tuishare.people.identity import Identity, create_identity, load_identity, load_or_create_identity
from tuishare.people.keys import format_key, generate_key, parse_key
from tuishare.people.names import fold_name, validate_name
from tuishare.people.users import User

__all__ = [
    "Card",
    "Fingerprint",
    "Identity",
    "Newcomer",
    "User",
    "UserBook",
    "add_newcomer",
    "card_of",
    "create_identity",
    "edit_book",
    "fold_name",
    "format_key",
    "generate_key",
    "load_book",
    "load_identity",
    "load_or_create_identity",
    "parse_card",
    "parse_key",
    "regroup",
    "rekey",
    "save_book",
    "set_groups",
    "trust",
    "validate_name",
]
