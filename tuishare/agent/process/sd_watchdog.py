"""Proof of life for the service manager, see sd_watchdog_enabled(3).

Owns when it is given: only after the engine and the store have both answered a real question, so that an agent whose
parts hang is started again. That the disk refuses is an answer, too. Must not decide what happens otherwise; systemd
does. Not to be confused with the library `watchdog`, which watches files.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Mapping

from tuishare.agent.process.sd_notify import notify
from tuishare.errors import DiskRefused, TuishareError

_log = logging.getLogger(__name__)

HealthCheck = Callable[[], Awaitable[object]]
"""Returns when the part that was asked has answered."""


def watchdog_interval(environment: Mapping[str, str] = os.environ) -> float | None:
    """Return within how many seconds systemd wants to hear of us, or None when it does not."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None  # meant for the process that started us
    return int(microseconds) / 1e6 if microseconds.isdecimal() and int(microseconds) else None


async def keep_alive(patience: float, questions: Mapping[str, HealthCheck]) -> None:
    """Tell the service manager twice in its time that we live, until cancelled; say nothing while a part is silent.

    Args:
        patience: of the service manager, seconds.
        questions: to be answered each time, by the name of the part.
    """
    pause = patience / 2
    while True:
        started = asyncio.get_running_loop().time()
        if await _all_answer(questions, pause):
            notify("WATCHDOG=1")
        await asyncio.sleep(max(0.0, started + pause - asyncio.get_running_loop().time()))


async def _all_answer(questions: Mapping[str, HealthCheck], seconds: float) -> bool:
    part = ""
    try:
        async with asyncio.timeout(seconds):
            for asked, question in questions.items():
                part = asked
                with contextlib.suppress(DiskRefused):  # being started again would not help
                    await question()
    except TimeoutError:
        _log.error("The %s does not answer", part)
        return False
    except TuishareError as error:
        _log.error("The %s has failed: %s", part, error.detail)
        return False
    return True
