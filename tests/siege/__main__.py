"""Attacks on real agents during a transfer: ``python -m tests.siege [--only NAME] [--seconds N]``.

Each attack has two new members in temporary homes on loopback, one sending to the other. It prints the rate of the
transfer undisturbed and during the attack, the slowest response to `status` over the API, memory and descriptors of the
attacked agent before, during and after, and the delivery time of one more file during the attack. Exits with 1 if a
requirement is missed (`tests.siege.measuring`). All attacks take ten minutes, or thirteen if all miss.

The transfer is limited to 20 MB/s by the recipient's settings, and the attackers run in processes of their own with a
low priority, so that the ratio shows the agents' behaviour, not the sharing of the CPU. Other load on the machine still
slows `status` down; the undisturbed figures show how much.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.bench.processes import open_descriptors, own_memory
from tests.siege.attacks import ATTACKS, Attack, Strangers, attacking
from tests.siege.measuring import (
    ARRIVAL,
    Outcome,
    Watch,
    has_descriptors_back,
    has_memory_back,
    watching,
)
from tests.siege.stage import RATE, Member, Stage, staged

_CALM: Final = 8.0
"""Seconds of undisturbed transfer before each attack."""
_WARM: Final = 5.0
_RECOVERY: Final = 20.0
"""Seconds after an attack within which memory and descriptors must be released."""
_SPARE: Final = 20.0
"""Seconds that the transfer lasts at full rate."""


async def attack(name: str, root: Path, seconds: float) -> Outcome:
    """Run one attack."""
    wanted = ATTACKS[name]
    strangers = Strangers.make(root)
    async with staged(root, (strangers.listed(),)) as stage:
        commands = await asyncio.to_thread(wanted.prepare, stage, strangers)
        target = stage.alice if wanted.target == "alice" else stage.bob
        await stage.send(int(RATE * (_WARM + _CALM + seconds + _SPARE)))
        await asyncio.sleep(_WARM)
        async with watching(target) as before:
            before.rate = await stage.measure_rate(_CALM)
        with attacking(commands) as said:
            late = asyncio.create_task(_deliver_late(stage, max(ARRIVAL, seconds)))
            async with watching(target) as during:
                during.rate = await stage.measure_rate(seconds)
                arrived, told = await late
        memory, descriptors, recovery = await _recover(target, before)
        alive = all(member.runs for member in (stage.alice, stage.bob))
        return Outcome(before, during, memory, descriptors, recovery, arrived, told, alive, tuple(said))


async def _deliver_late(stage: Stage, seconds: float) -> tuple[float, float]:
    await asyncio.sleep(_WARM)  # once the attackers have started
    return await stage.deliver("late.bin", seconds)


async def _recover(target: Member, before: Watch) -> tuple[float, int, float]:
    """Wait until memory and descriptors are released, or for the time limit."""
    started = time.monotonic()
    while target.runs:
        memory, descriptors = own_memory(target.pid), open_descriptors(target.pid)
        waited = time.monotonic() - started
        if (has_memory_back(before, memory) and has_descriptors_back(before, descriptors)) or (
            waited > _RECOVERY
        ):
            return memory, descriptors, waited
        await asyncio.sleep(0.25)
    return 0.0, 0, time.monotonic() - started


def _run(name: str, wanted: Attack, seconds: float, workdir: Path | None) -> list[str]:
    """Run one attack and print the results; return the missed requirements."""
    print(f"\n{name}: {wanted.about}", flush=True)
    root = Path(tempfile.mkdtemp(prefix="siege-", dir=workdir))
    try:
        outcome = asyncio.run(attack(name, root, seconds))
    except TimeoutError:
        print("  it could not be measured: the transfer did not begin", flush=True)
        return ["measured at all"]
    finally:
        shutil.rmtree(root, ignore_errors=True)
    for kind, figures in outcome.describe().items():
        print(f"  {kind:16} {figures}")
    for miss in (misses := outcome.misses()):
        print(f"  MISSED: {miss}")
    sys.stdout.flush()
    return misses


def main() -> None:
    """Run the chosen attacks; exit with 1 if a requirement was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=ATTACKS, help="may be given several times")
    parser.add_argument("--seconds", type=float, default=25.0, help="for which each attack is measured")
    parser.add_argument("--workdir", type=Path, default=None, help="a folder on the disk to use")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # no agent outlives this process
    started, missed = time.monotonic(), 0
    for name in options.only or ATTACKS:
        missed += bool(_run(name, ATTACKS[name], options.seconds, options.workdir))
    print(f"\n{time.monotonic() - started:.0f} s, {missed} attacks did harm")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
