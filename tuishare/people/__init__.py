"""Who: our own identity, the cards of others, their fingerprints, the user book and its groups.

Owns the files ``identity.key`` and ``users.toml`` and every rule about names, cards and keys. Must not know
envelopes, torrents or the network, and must not decide what somebody may do: it only says who somebody is.
"""

from tuishare.people.book import UserBook
from tuishare.people.book_file import edit_book, load_book, save_book
from tuishare.people.cards import Card, parse_card
from tuishare.people.changes import (
    Newcomer,
    add_newcomer,
    card_of,
    find_predecessor,
    follow_succession,
    give_card,
    regroup,
    rekey,
    set_groups,
    trust,
)
from tuishare.people.fingerprints import Fingerprint
from tuishare.people.heritage import is_rotated, settle_rotation
from tuishare.people.identity import (
    Identity,
    create_identity,
    load_identity,
    load_or_create_identity,
    rotate_identity,
)
from tuishare.people.keys import format_key, generate_key, parse_key
from tuishare.people.names import fold_name, validate_name
from tuishare.people.successions import Succession, decode_succession, parse_succession
from tuishare.people.users import Former, User

__all__ = [
    "Card",
    "Fingerprint",
    "Former",
    "Identity",
    "Newcomer",
    "Succession",
    "User",
    "UserBook",
    "add_newcomer",
    "card_of",
    "create_identity",
    "decode_succession",
    "edit_book",
    "find_predecessor",
    "fold_name",
    "follow_succession",
    "format_key",
    "generate_key",
    "give_card",
    "is_rotated",
    "load_book",
    "load_identity",
    "load_or_create_identity",
    "parse_card",
    "parse_key",
    "parse_succession",
    "regroup",
    "rekey",
    "rotate_identity",
    "save_book",
    "set_groups",
    "settle_rotation",
    "trust",
    "validate_name",
]
