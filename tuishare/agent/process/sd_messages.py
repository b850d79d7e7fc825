"""Messages to systemd: notifications, see sd_notify(3), and keep-alive messages, see sd_watchdog_enabled(3).

Owns the datagrams; without ``NOTIFY_SOCKET`` none is sent. Keep-alive messages are sent only after engine and store
have both passed a health check, so that an agent whose parts hang is restarted; a disk that refuses writes does not
count as a failure. Must not decide what happens without a message: systemd does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping

from tuishare.errors import DiskRefused, TuishareError

_log = logging.getLogger(__name__)

HealthCheck = Callable[[], Awaitable[object]]
"""Returns when the part has answered."""


def notify(*assignments: str) -> None:
    """Send assignments such as ``READY=1`` or ``STATUS=...`` to the service manager, if there is one."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.connect("\0" + address[1:] if address.startswith("@") else address)
            sender.sendall("\n".join(assignments).encode())
        except OSError as error:
            _log.warning("Cannot notify the service manager: %s", error.strerror)


def watchdog_interval(environment: Mapping[str, str] = os.environ) -> float | None:
    """Return the seconds within which systemd expects a message; None if it expects none."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None  # meant for the process that started us
    return int(microseconds) / 1e6 if microseconds.isdecimal() and int(microseconds) else None


async def keep_alive(interval: float, health_checks: Mapping[str, HealthCheck]) -> None:
    """Send keep-alive messages twice per interval until cancelled; send none while a health check fails.

    Args:
        interval: seconds within which the service manager expects a message.
        health_checks: health checks, by the name of the part.
    """
    pause = interval / 2
    while True:
        started = asyncio.get_running_loop().time()
        if await _all_answer(health_checks, pause):
            notify("WATCHDOG=1")
        await asyncio.sleep(max(0.0, started + pause - asyncio.get_running_loop().time()))


async def _all_answer(health_checks: Mapping[str, HealthCheck], seconds: float) -> bool:
    part = ""
    try:
        async with asyncio.timeout(seconds):
            for asked, check in health_checks.items():
                part = asked
                with contextlib.suppress(DiskRefused):  # a restart would not help
                    await check()
    except TimeoutError:
        _log.error("The %s does not answer", part)
        return False
    except TuishareError as error:
        _log.error("The %s has failed: %s", part, error.detail)
        return False
    return True
