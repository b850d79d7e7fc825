"""Reading and writing ``users.toml``.

Owns the layout of that file, one table per user::

    [[user]]
    name = "bob"
    card = "tuishare-card-v1:..."   # or: key = "64 hexadecimal digits"
    groups = ["crew"]               # optional, as are those below
    verified = true
        accept_raw = false
        invited = true                  # known by an invitation
        introduced_by = "alice"
        admitted = false
        introduces = false
        former = ["SIGNER FINGERPRINT"] # both as 64 hexadecimal digits: the user's previous cards, latest first

    Every error names the file and the user, and never quotes a key. Must not know what users are for.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import msgspec
import tomli_w

from tuishare.errors import BadConfiguration, BadInput, NotFound
from tuishare.fs.atomic import exclusive_edit, make_private, publish
from tuishare.fs.private_files import read_private
from tuishare.people.cards import parse_card
from tuishare.people.fingerprints import Fingerprint
from tuishare.people.keys import check_signer, format_key, parse_key
from tuishare.people.user_book import UserBook
from tuishare.people.users import PreviousCard, User
from tuishare.sanitize import for_display

_FILE_LIMIT = 16 * 2**20  # about 7,000 users with cards
_FORMER = re.compile(r"[0-9a-f]{64} [0-9a-f]{64}")
_CORRECT = "Correct the file, or restore it from a backup."
_HEADER = "# Users and their keys, kept by `tuishare user`. It holds secrets: keep it at mode 0600.\n"


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    name: str
    card: str | None = None
    key: str | None = None
    groups: tuple[str, ...] = ()
    verified: bool = False
    accept_raw: bool = False
    invited: bool = False
    introduced_by: str = ""
    admitted: bool = False
    introduces: bool = False
    former: tuple[str, ...] = ()


def load_book(path: Path) -> UserBook:
    """Read the user book; a missing file is an empty book.

    Raises:
        BadConfiguration: the content is not TOML, or has unknown, duplicate or invalid entries, or the file is not a
            regular file, not ours, or accessible to group or others.
        SystemFailed: it cannot be read.
    """
    try:
        text = read_private(path, _FILE_LIMIT)
    except NotFound:
        return UserBook()
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfiguration(f"{path} is not valid TOML: {error}", hint=_CORRECT) from error
    tables = document.pop("user", [])
    if document or not isinstance(tables, list):
        raise BadConfiguration(f"{path} may contain only [[user]] tables", hint=_CORRECT)
    users = tuple(_read_user(path, number, table) for number, table in enumerate(tables, start=1))
    try:
        return UserBook(users)
    except BadInput as error:
        raise BadConfiguration(f"{path}: {error.detail}", hint=error.hint or _CORRECT) from error


def save_book(path: Path, book: UserBook) -> None:
    """Write the user book atomically, mode 0600; its folder is created if necessary.

    Raises:
        SystemFailed: it cannot be written; the old file stays.
    """
    make_private(path.parent)
    publish(path, "\n".join([_HEADER, *map(_format_user, book)]).encode())


def edit_book(path: Path, change: Callable[[UserBook], UserBook]) -> UserBook:
    """Change the user book under a lock, so that no concurrent edit is lost.

    Args:
        path: of the file; its folder is created if necessary.
        change: returns the new book for the old one. It runs under the lock, so it must not prompt the user.

    Returns:
        The new book, which is on disk.

    Raises:
        TuishareError: raised by `load_book`, `save_book` or the change; the old file stays.
    """
    make_private(path.parent)
    with exclusive_edit(path):
        before = load_book(path)
        after = change(before)
        if after != before:
            save_book(path, after)
    return after


def _read_user(path: Path, number: int, table: object) -> User:
    try:
        row = msgspec.convert(table, _Row)
        return User(
            name=row.name,
            card=None if row.card is None else parse_card(row.card),
            key=None if row.key is None else parse_key(row.key),
            groups=row.groups,
            verified=row.verified,
            accept_raw=row.accept_raw,
            invited=row.invited,
            introduced_by=row.introduced_by,
            admitted=row.admitted,
            introduces=row.introduces,
            former=tuple(map(_parse_former, row.former)),
        )
    except msgspec.ValidationError as error:
        raise BadConfiguration(
            f"{path}: {_name_user(number, table)}: {for_display(str(error), 200)}", hint=_CORRECT
        ) from error
    except BadInput as error:
        raise BadConfiguration(
            f"{path}: {_name_user(number, table)}: {error.detail}", hint=error.hint or _CORRECT
        ) from error


def _parse_former(text: str) -> PreviousCard:
    if not _FORMER.fullmatch(text):
        raise BadInput("A former card must be written as two numbers of 64 hexadecimal digits")
    signer, _, digest = text.partition(" ")
    return PreviousCard(check_signer(bytes.fromhex(signer)), Fingerprint(bytes.fromhex(digest)))


def _name_user(number: int, table: object) -> str:
    name = table.get("name") if isinstance(table, dict) else None
    return f"user '{for_display(name)}'" if isinstance(name, str) and name else f"user number {number}"


def _format_user(user: User) -> str:
    row = _Row(
        name=user.name,
        card=None if user.card is None else str(user.card),
        key=None if user.key is None else format_key(user.key),
        groups=user.groups,
        verified=user.verified,
        accept_raw=user.accept_raw,
        invited=user.invited,
        introduced_by=user.introduced_by,
        admitted=user.admitted,
        introduces=user.introduces,
        former=tuple(f"{card.signer.hex()} {card.fingerprint.digest.hex()}" for card in user.former),
    )
    # One table each, because tomli_w would write short users as an inline array.
    return f"[[user]]\n{tomli_w.dumps(msgspec.to_builtins(row))}"
