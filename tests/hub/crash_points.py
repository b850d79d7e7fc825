"""A store that is killed as by ``kill -9`` at every line of its work.

`python -m tests.hub.crash_points FOLDER` puts, takes and deletes in a process of its own for each line of the store
that runs, ends that process at this line, and checks what the next one finds. Prints how many lines there were.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from tuishare.hub import store as module
from tuishare.hub.store import EnrolmentString, HubMember, HubStore, Parcel

BOX, OLD, NEW = b"m" * 16, b"old" * 1000, b"new" * 2000
BOB = HubMember(BOX, b"k" * 32, "bob", b"h" * 32, 1, 1)
CAROL = HubMember(b"c" * 16, b"l" * 32, "carol", b"h" * 32, 1, 1)


def digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def put(store: HubStore, content: bytes) -> bool:
    """Write a parcel as `Mailboxes` does, then put it."""
    written = store.incoming_path("written")
    with written.open("wb") as file:
        file.write(content)
        os.fsync(file.fileno())
    return store.put(Parcel(BOX, digest(content), len(content), 5), written)


def prepare(folder: Path) -> None:
    """Make a store with two parcels' history: one in the mailbox, and a string for a further member."""
    store = HubStore(folder)
    store.add_string(EnrolmentString(b"t" * 32, "bob", 9))
    store.enrol(b"t" * 32, BOB)
    store.add_string(EnrolmentString(b"s" * 32, "carol", 9))
    assert put(store, OLD)
    store.close()


def work(folder: Path, confirm: int) -> None:
    """Do everything once, and write a letter for each step that was confirmed."""
    store = HubStore(folder)
    os.write(confirm, b"o")
    assert put(store, NEW)
    os.write(confirm, b"p")
    assert store.content_path(BOX, digest(OLD)).read_bytes() == OLD
    os.write(confirm, b"t")
    store.delete(BOX, digest(OLD))
    os.write(confirm, b"d")
    assert not put(store, OLD)  # by a sender who missed the first answer
    os.write(confirm, b"r")
    store.enrol(b"s" * 32, CAROL)
    os.write(confirm, b"e")
    store.note_seen(BOX, b"i" * 32, 7)
    os.write(confirm, b"w")
    store.expire(4)
    os.write(confirm, b"x")
    store.close()


def kill_at(point: int) -> None:
    """End this process at the point-th line of the store."""
    left = point

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename != module.__file__:
            return None
        if event == "line":
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)


def run_killed(folder: Path, point: int) -> tuple[str, bool]:
    """Work in a child that is killed; return what was confirmed, and whether it came to its end."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        kill_at(point)
        work(folder, writing)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        confirmed = file.read().decode()
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or status == 0, status
    return confirmed, status == 0


def check(folder: Path, confirmed: str) -> None:
    """Check that nothing confirmed is lost, nothing is doubled, and that everything can be repeated."""
    store = HubStore(folder)
    found = {parcel.digest for parcel in store.parcels()}
    assert len(store.parcels()) == len(found)
    files = {file.name for file in (folder / "parcels" / BOX.hex()).iterdir()}
    assert files == {each.hex() for each in found}
    assert list((folder / "incoming").iterdir()) == []
    for content in (OLD, NEW):
        if digest(content) in found:
            assert store.content_path(BOX, digest(content)).read_bytes() == content
    assert digest(NEW) in found or "p" not in confirmed
    assert digest(OLD) in found or "t" in confirmed
    assert digest(OLD) not in found or "d" not in confirmed
    names = {member.name for member in store.members()}
    assert ("carol" in names) != bool(store.strings())
    assert "carol" in names or "e" not in confirmed
    # The sender, the member and the newcomer, who missed an answer, ask again.
    put(store, NEW)
    store.delete(BOX, digest(OLD))
    assert not put(store, OLD)
    if "carol" not in names:
        store.enrol(b"s" * 32, CAROL)
    assert [parcel.digest for parcel in store.parcels()] == [digest(NEW)]
    assert {member.name for member in store.members()} == {"bob", "carol"}
    store.close()


def main(folder: Path) -> int:
    prepared = folder / "prepared"
    prepared.mkdir()
    prepare(prepared)
    point = 0
    while True:
        point += 1
        place = folder / str(point)
        shutil.copytree(prepared, place)
        confirmed, is_whole = run_killed(place, point)
        check(place, confirmed)
        shutil.rmtree(place)
        if is_whole:
            assert confirmed == "optdrewx"
            return point


if __name__ == "__main__":
    print(main(Path(sys.argv[1])))
