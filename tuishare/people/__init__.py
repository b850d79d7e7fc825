"""Users: our own identity, the cards of others, fingerprints, the user book and its groups.

Owns the files ``identity.key`` and ``users.toml`` and every rule about names, cards and keys. Must not know
envelopes, torrents or the network, and must not decide what a user may do.
"""

from tuishare.people.book_edits import (
    UserDraft,
    add_introduced,
    add_to_book,
    apply_rotation,
    card_of,
    find_predecessor,
    give_card,
    let_introduce,
    regroup,
    replace_key,
    set_groups,
    trust,
    unused_name,
)
from tuishare.people.book_file import edit_book, load_book, save_book
from tuishare.people.cards import Card, parse_card
from tuishare.people.fingerprints import Fingerprint, name_key
from tuishare.people.identity import (
    Identity,
    create_identity,
    load_identity,
    load_or_create_identity,
    rotate_identity,
)
from tuishare.people.key_input import read_key_line
from tuishare.people.key_rotation import KeyRotation, decode_succession, parse_succession
from tuishare.people.keys import format_key, generate_key, parse_key
from tuishare.people.names import fold_name, validate_name
from tuishare.people.retired_keys import finish_rotation, is_rotated
from tuishare.people.text_input import decode_text
from tuishare.people.user_book import UserBook
from tuishare.people.users import PreviousCard, User

__all__ = [
    "Card",
    "Fingerprint",
    "Identity",
    "KeyRotation",
    "PreviousCard",
    "User",
    "UserBook",
    "UserDraft",
    "add_introduced",
    "add_to_book",
    "apply_rotation",
    "card_of",
    "create_identity",
    "decode_succession",
    "decode_text",
    "edit_book",
    "find_predecessor",
    "finish_rotation",
    "fold_name",
    "format_key",
    "generate_key",
    "give_card",
    "is_rotated",
    "let_introduce",
    "load_book",
    "load_identity",
    "load_or_create_identity",
    "name_key",
    "parse_card",
    "parse_key",
    "parse_succession",
    "read_key_line",
    "regroup",
    "replace_key",
    "rotate_identity",
    "save_book",
    "set_groups",
    "trust",
    "unused_name",
    "validate_name",
]
