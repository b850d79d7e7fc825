"""Samples of users and groups."""

from __future__ import annotations

import msgspec

from tests.api.samples import DOWNLOAD, SHARE
from tests.tui.fakes import CALM
from tuishare.api.messages import Download, DownloadState, People, Snapshot, User, UserKind

WORDS = "able bold calm dare echo fine gold hope idle jump keen last"
HOSTILE = "\x1b[2Jevil\u202egnp[red]\n" + "写" * 200

BOB = User(
    name="bob",
    kind=UserKind.CARD,
    fingerprint="BBBB-CCCC",
    words=WORDS,
    groups=("crew",),
    shares=5,
    complete=3,
)
CAROL = User(
    name="carol",
    kind=UserKind.CARD,
    fingerprint="DDDD",
    words=WORDS,
    verified=True,
    groups=("crew", "family"),
)
DAN = User(name="dan", kind=UserKind.KEY)
EVE = User(name=HOSTILE, kind=UserKind.CARD, fingerprint=HOSTILE, words=HOSTILE, groups=(HOSTILE,))

PEOPLE = People(
    card=f"tuishare-card-v1:{'A' * 1800}", fingerprint="AAAA-AAAA", words=WORDS, users=(BOB, CAROL, DAN)
)
WAITING: Download = msgspec.structs.replace(DOWNLOAD, state=DownloadState.WAITING, note="look at this")


def known(*users: User) -> Snapshot:
    people = msgspec.structs.replace(PEOPLE, users=users) if users else PEOPLE
    return Snapshot(status=CALM, shares=(SHARE,), downloads=(WAITING,), people=people)
