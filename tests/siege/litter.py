"""Things that fill an inbox: ``python -m tests.siege.litter pour FOLDER INBOX`` and ``… junk INBOX``.

`pour` moves prepared files into the inbox, `RATE` per second; `junk` creates files, FIFOs, links, huge sparse files and
odd names that are not envelopes, most of them named like envelopes. Both end when they are done, or with SIGTERM, and
print the number of files.
"""

from __future__ import annotations

import itertools
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from tests.siege.visitors import PRIORITY
from tuishare.fs.atomic import ENVELOPE_SUFFIX

_T = TypeVar("_T")

RATE: Final = 200
"""Files a second."""
JUNK: Final = 4_000
"""Files, links and FIFOs."""
_SPARSE: Final = 1 << 40
_SMALLEST: Final = 31 << 20
"""A sparse file that may still be an envelope, by its size."""
_ODD: Final = (
    b"\xff\xfe not UTF-8",
    b"line\nbreak",
    b"\x1b[31mred",
    "\u202egnp.exe".encode(),
    b"x" * 230,
    b".hidden",
    b"-rf",
    b"'; drop table shares; --",
    "e\u0301".encode(),
    b" blank ",
)


def pour(prepared: Path, inbox: Path) -> None:
    """Move everything from one folder into the other."""
    for path in _paced(sorted(prepared.iterdir())):
        path.rename(inbox / path.name)


def junk(inbox: Path) -> None:
    """Make `JUNK` things, of all kinds in turn."""
    kinds = itertools.cycle((_random, _text, _fifo, _dangling, _device, _loop, _sparse, _folder, _odd))
    for number, make in _paced(list(zip(range(JUNK), kinds, strict=False))):
        make(inbox, number)


def _random(inbox: Path, number: int) -> None:
    _name(inbox, number).write_bytes(secrets.token_bytes(4_096))


def _text(inbox: Path, number: int) -> None:
    (inbox / f"notes {number}.txt").write_text("Nothing that is meant for an agent.\n")


def _fifo(inbox: Path, number: int) -> None:
    os.mkfifo(_name(inbox, number))


def _dangling(inbox: Path, number: int) -> None:
    _name(inbox, number).symlink_to(f"/nowhere/{number}")


def _device(inbox: Path, number: int) -> None:
    _name(inbox, number).symlink_to("/dev/zero")


def _loop(inbox: Path, number: int) -> None:
    _name(inbox, number).symlink_to(_name(inbox, number).name)


def _sparse(inbox: Path, number: int) -> None:
    with _name(inbox, number).open("wb") as file:
        file.write(b"TSE1")
        file.truncate(_SMALLEST if number % 3 else _SPARSE)


def _folder(inbox: Path, number: int) -> None:
    (_name(inbox, number) / "deep" / "er").mkdir(parents=True)


def _odd(inbox: Path, number: int) -> None:
    odd = b"%d" % number + _ODD[number % len(_ODD)]
    place = os.path.join(os.fsencode(inbox), odd[:230] + ENVELOPE_SUFFIX.encode())
    with open(place, "wb") as file:
        file.write(b"TSE1" + secrets.token_bytes(4_000))


def _name(inbox: Path, number: int) -> Path:
    return inbox / f"junk-{number}{ENVELOPE_SUFFIX}"


def _paced(things: list[_T]) -> Iterator[_T]:
    started, number = time.monotonic(), 0
    try:
        for number, thing in enumerate(things, 1):
            time.sleep(max(0.0, started + number / RATE - time.monotonic()))
            yield thing
    finally:
        print(f"{number} of {len(things)} things put into the inbox", flush=True)


COMMANDS: Final[dict[str, Callable[..., None]]] = {"pour": pour, "junk": junk}

if __name__ == "__main__":
    command, *folders = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    os.nice(PRIORITY)
    COMMANDS[command](*map(Path, folders))
