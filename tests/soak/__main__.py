"""Random operations and faults on two agents: ``python -m tests.soak --operations 1000 --seed 1 [--links]``.

Two real agents, each on a small disk of its own (a tmpfs where we may mount one), share the entries of their drop
folders with each other while entries are changed, renamed, deleted and slowly copied, agents are killed and
restarted, clocks jump and disks fill up. Recipients edit, add to, rename, delete and chmod what they received, and
users are revoked while the disk is full. A carrier moves the envelopes; with ``--links`` they move by link only, and
agents start again at other addresses. After every so many operations the agents settle, and then everything in the
drop folders must have arrived: exactly once, every byte, also if its mtime was reset. Changes of recipients must
still be there, and no byte may have reached a user after ``revoke`` returned. The operations follow from the seed,
their timing from the machine. Exits with 1 if anything was lost, duplicated, incomplete or needed help, or if an
agent ended by itself, even on a full disk.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.agent.disks import mount, unmount
from tests.bench.agents import connect
from tests.soak.carrier import Carrier
from tests.soak.operations import Operations
from tests.soak.peer import Peer
from tests.soak.verdict import Direction
from tests.waiting import answered
from tuishare.api.client import AgentClient
from tuishare.api.messages import DownloadAction, DownloadState, ShareAction, ShareState
from tuishare.errors import TuishareError

_PATIENCE, _MORE_PATIENCE = 60.0, 60.0
"""Seconds to settle without help, and with a user's."""
_DISK = "256m"


class Soak:
    """One run."""

    def __init__(self, root: Path, seed: int, *, has_links: bool) -> None:
        self._alice, self._bob = Peer(root, "alice"), Peer(root, "bob")
        self._peers = (self._alice, self._bob)
        self._has_links = has_links
        for peer, friend in (self._peers, self._peers[::-1]):
            peer.know(friend.home)
            peer.configure(friend.home, has_links=has_links)
        self.operations = Operations(self._peers, seed, has_links=has_links)
        self._directions = tuple(
            Direction(
                sender,
                pipeline,
                self.operations.history,
                self.operations.recipients.keepsakes,
                may_repeat=not has_links,
            )
            for sender, pipeline in (self._peers, self._peers[::-1])
        )
        ways = () if has_links else (self._peers, self._peers[::-1])
        self._carriers = [Carrier(sender, recipient) for sender, recipient in ways]
        self.faults: list[str] = []
        self.waits = 0
        self.revoked = 0

    async def run(self, count: int, every: int) -> None:
        """Run that many operations, and check the state in between."""
        tasks = [asyncio.create_task(carrier.run()) for carrier in self._carriers]
        own = asyncio.current_task()
        assert own is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, own.cancel)
        try:
            for peer in self._peers:
                peer.start()
            if self._has_links:
                await answered(self._alice.answers, bool)
                await answered(self._bob.answers, bool)
                await connect(self._alice.home, self._bob.home)
            for number in range(1, count + 1):
                await self.operations.step()
                for peer in self._peers:
                    peer.look_after()
                if number % every == 0 or number == count:
                    await self._judge(number)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for peer in self._peers:
                await peer.stop()
        self.faults += [f"{peer.home.name}'s agent: {how}" for peer in self._peers for how in peer.unplanned]
        self.waits = sum(peer.count_waits() for peer in self._peers)

    async def _judge(self, number: int) -> None:
        started = time.monotonic()
        await self.operations.settle()
        for peer in self._peers:
            peer.start()
        # A disk that was full may have put an envelope off for a while.
        if not await self._rests(_PATIENCE * (2 if self._has_links else 1)):
            self.faults += [f"after {number}: {missing}" for missing in await self._explain()]
            await self._help()
            if not await self._rests(_MORE_PATIENCE):
                self.faults += [f"after {number}, also with help: {one}" for one in await self._explain()]
        faults = [one for way in self._directions for one in way.find_faults()]
        self.revoked += self.operations.revocations.count
        faults += self.operations.revocations.find_faults()
        self.faults += [f"after {number}: {one}" for one in faults]
        print(
            f"{number} operations, at rest in {time.monotonic() - started:.1f} s, {len(self.faults)} faults",
            flush=True,
        )

    async def _rests(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not await self._is_at_rest():
                    for peer in self._peers:
                        peer.look_after()
                    await asyncio.sleep(0.2)
                return True
        return False

    async def _is_at_rest(self) -> bool:
        if any(way.find_missing() for way in self._directions) or not all(c.is_idle for c in self._carriers):
            return False
        if self._has_links:
            return all([await peer.is_linked() for peer in self._peers])
        return all([await peer.answers() for peer in self._peers])

    async def _explain(self) -> list[str]:
        """Return what is missing, with the agents' reports."""
        said = []
        for way in self._directions:
            for name in way.find_missing():
                shares = await _ask(way.sender, name, shares=True)
                downloads = await _ask(way.pipeline, name, shares=False)
                said.append(f"{name} from {way.sender.home.name} is missing; {shares}; {downloads}")
        return said or ["the agents do not answer, or envelopes are not taken"]

    async def _help(self) -> None:
        """Act like a user: retry everything with a problem."""
        for peer in self._peers:
            with contextlib.suppress(TuishareError):
                async with AgentClient(peer.home.places.socket) as client:
                    for share in await client.shares():
                        if share.state is ShareState.PROBLEM:
                            await client.order_share(share.id, ShareAction.RESUME)
                    for download in await client.downloads():
                        if download.state is DownloadState.PROBLEM:
                            await client.order_download(download.id, DownloadAction.RESUME)


async def _ask(peer: Peer, name: str, *, shares: bool) -> str:
    try:
        async with AgentClient(peer.home.places.socket) as client:
            found = await client.shares() if shares else await client.downloads()
    except TuishareError as error:
        return error.detail
    return "; ".join(f"{one.state} {one.detail}" for one in found if one.name == name) or "not known"


@contextmanager
def disks(root: Path) -> Iterator[str]:
    """Give each of the two a small disk; tell which."""
    with ExitStack() as stack:
        for name in ("alice", "bob"):
            (folder := root / name).mkdir()
            if not mount(folder, _DISK):
                yield "no tmpfs may be mounted here, so no disk fills up"
                return
            stack.callback(unmount, folder)
        yield f"a tmpfs of {_DISK} for each"


def main() -> None:
    """Run it and print a summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--links", action="store_true", help="envelopes move by link, and addresses change")
    parser.add_argument("--every", type=int, default=50, help="operations between two looks at the whole")
    parser.add_argument(
        "--keep", type=Path, default=None, help="where to put logs and databases of a run with faults"
    )
    options = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, disks(Path(folder)) as told:
        print(told)
        soak = Soak(Path(folder), options.seed, has_links=options.links)
        asyncio.run(soak.run(options.operations, options.every))
        if soak.faults and options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            for kept in (*Path(folder).glob("*.log"), *Path(folder).glob("*/state/*.db*")):
                shutil.copy(kept, options.keep / f"{kept.relative_to(folder)}".replace("/", "-"))
    print(", ".join(f"{name} {count}" for name, count in sorted(soak.operations.counts.items())))
    forms, seconds = soak.operations.history.count(), time.monotonic() - started
    print(f"seed {options.seed}: {options.operations} operations, {forms} forms of entries, {seconds:.0f} s")
    print(f"full disks refused {soak.operations.refused} writes of ours")
    print(f"agents waited {soak.waits} times for a full disk")
    orders = soak.operations.revocations
    print(
        f"{soak.revoked} users revoked under way; {orders.refused} orders refused, {orders.missed} not tried in time"
    )
    print(f"{soak.operations.recipients.keepsakes.count()} things made by recipients")
    for fault in soak.faults:
        print(f"FAULT {fault}")
    print("lost, doubled or half done: nothing" if not soak.faults else f"{len(soak.faults)} faults")
    sys.exit(bool(soak.faults))


if __name__ == "__main__":
    main()
