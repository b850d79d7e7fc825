"""Reloading of settings and user book, on request or because a file has changed.

Owns which settings are in force. A file with a mistake changes nothing and is shown as a problem. Must not act on a
setting.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from tuishare.agent.events import ChangeSignal, EventBus, SettingsReloaded, UserBookRead
from tuishare.agent.live import Live, UserBookFile, stamp_of
from tuishare.agent.process.sd_messages import notify
from tuishare.config.model import Config, InboxSettings, NotificationSettings, check_config, load_config
from tuishare.config.schedule import BandwidthLimits
from tuishare.core.clock import Clock
from tuishare.core.own_addresses import check_addresses
from tuishare.core.problems import Problem
from tuishare.errors import BadConfiguration, BadInput, TuishareError, from_os_error
from tuishare.home_paths import Places
from tuishare.people import Identity
from tuishare.sanitize import for_display

LOOK_SECONDS: Final = 2.0
"""Seconds between checks of the files; events only make it faster, because not every file system sends them."""

LIVE: Final = frozenset(
    {
        "name",
        "network.public_host",
        "network.share_addresses",
        "drop",
        "sharing.until",
        "tracker.others",
        "downloads.seed_days",
        "downloads.seed_ratio",
    }
    | {f"inbox.{key}" for key in InboxSettings.__struct_fields__}
    | {f"limits.{key}" for key in BandwidthLimits.__struct_fields__}
    | {f"notifications.{key}" for key in NotificationSettings.__struct_fields__}
    | {"link.introduce"}
)
"""Settings that take effect at once; all others need a restart, because ports are open and folders in use."""

_FOLDER: Final = "drop folder "
"""Prefix of the id of a drop folder's problem; the path of the folder follows."""

_log = logging.getLogger(__name__)
_Stamp = tuple[int, ...]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ReloadResult:
    """The settings that a reload has changed.

    Attributes:
        applied: keys whose new value is in force now, such as ``drop`` or ``network.public_host``.
        restart: keys whose new value takes effect after a restart.
    """

    applied: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


class ConfigReload:
    """Keeps the settings of one agent in step with their files."""

    def __init__(
        self,
        places: Places,
        settings: Live[Config],
        identity: Live[Identity],
        users: UserBookFile,
        *,
        events: EventBus,
        changed: ChangeSignal,
        clock: Clock,
    ) -> None:
        """Publish `SettingsReloaded` after every reload, and `UserBookRead` when the user book is usable."""
        self._places = places
        self._settings = settings
        self._identity = identity
        self._users = users
        self._events = events
        self._changed = changed
        self._clock = clock
        self._woken = asyncio.Event()
        self._ordered = False
        self._alone = asyncio.Lock()
        self._seen = self._stamps()
        self._problems: dict[str, Problem] = {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems of the files."""
        return tuple(self._problems.values())

    def look(self) -> None:
        """Check soon whether a file has changed."""
        self._woken.set()

    def order(self) -> None:
        """Reload soon, whether a file has changed or not; for signal handlers."""
        self._ordered = True
        self._woken.set()

    async def run(self) -> None:
        """Reload whenever it was requested or a file has changed, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._woken.wait()
            self._woken.clear()
            if self._ordered or await asyncio.to_thread(self._stamps) != self._seen:
                self._ordered = False
                with contextlib.suppress(TuishareError):  # shown as a problem
                    await self.reload()

    async def reload(self) -> ReloadResult:
        """Read both files again.

        Raises:
            BadConfiguration: one is not usable; its previous content stays in force.
            SystemFailed: one cannot be read.
        """
        async with self._alone:
            reloaded, error = await self._reload()
        if error is not None:
            raise error
        return reloaded

    async def edit(self, edit: Callable[[], _T]) -> tuple[_T, ReloadResult]:
        """Change a file on a thread, then read both files before any other reload does.

        A file that is not usable afterwards is shown as a problem and does not make the edit fail: the other file has a
        mistake, or the user is editing this one at the same time.

        Returns:
            The result of the edit, and the settings that changed.

        Raises:
            TuishareError: the edit failed; nothing was read.
        """
        async with self._alone:
            edited = await asyncio.to_thread(edit)
            reloaded, _ = await self._reload()
        return edited, reloaded

    async def _reload(self) -> tuple[ReloadResult, TuishareError | None]:
        # sd_notify(3): systemd compares this clock with its own.
        notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            return await self._read_both()
        finally:
            notify("READY=1")
            self._changed.notify()

    async def _read_both(self) -> tuple[ReloadResult, TuishareError | None]:
        """Put both files in force, each even if the other is not usable; return the first error."""
        self._seen = await asyncio.to_thread(self._stamps)
        reloaded, errors = ReloadResult(), []
        try:
            with self._shown("config", "Settings not usable"):
                self._settings.current, reloaded = await asyncio.to_thread(self._read_settings)
        except TuishareError as error:
            errors.append(error)
        self._events.publish(SettingsReloaded())  # even after an error there may be new users
        for key in reloaded.applied:
            _log.info("Setting %s has changed", key)
        for key in reloaded.restart:
            _log.info("Setting %s has changed, which takes effect after a restart", key)
        try:
            await self._read_book()
        except TuishareError as error:
            errors.append(error)
        return reloaded, errors[0] if errors else None

    async def load(self) -> None:
        """Read the user book at the start; if it is not usable, show that as a problem."""
        with contextlib.suppress(TuishareError):
            await self._read_book()

    async def _read_book(self) -> None:
        with self._shown("users", "User book not usable"):
            book = await asyncio.to_thread(self._users.read)
            self._events.publish(UserBookRead(book))
        for what in [what for what in self._problems if what.startswith(_FOLDER)]:
            if what.removeprefix(_FOLDER) not in {folder.path for folder in self._settings.current.drop}:
                del self._problems[what]
        for folder in self._settings.current.drop:
            with (
                contextlib.suppress(TuishareError),
                self._shown(
                    f"{_FOLDER}{folder.path}", f"Nothing can be shared from {for_display(folder.path)}"
                ),
            ):
                book.resolve(folder.users)

    def _read_settings(self) -> tuple[Config, ReloadResult]:
        places = self._places
        try:
            wanted = load_config(places)
        except OSError as error:
            raise from_os_error(error, f"read {places.config_file}") from error
        try:
            self._identity.current.card(wanted.name)
        except BadInput as error:
            raise BadConfiguration(
                f"{places.config_file}: key name: {error.detail}", hint=error.hint
            ) from error
        check_addresses(wanted, places)
        return merge(self._settings.current, wanted, places)

    @contextlib.contextmanager
    def _shown(self, what: str, title: str) -> Iterator[None]:
        try:
            yield
        except TuishareError as error:
            _log.warning("%s: %s", title, error.detail)
            known = self._problems.get(what)
            since = known.since if known and known.detail == error.detail else self._clock.now()
            self._problems[what] = Problem(
                id=what, title=title, detail=error.detail, hint=error.hint, since=since
            )
            raise
        self._problems.pop(what, None)

    def _stamps(self) -> tuple[_Stamp, _Stamp]:
        return stamp_of(self._places.config_file), self._users.stamp()


def merge(old: Config, new: Config, places: Places) -> tuple[Config, ReloadResult]:
    """Merge new settings into the old ones as far as they can take effect at once.

    Args:
        old: the settings in force.
        new: the settings of the file.
        places: of the home.

    Returns:
        The settings to put in force, and the keys that differ from the old settings.
    """
    before, after = _flatten(old), _flatten(new)
    changed = [key for key in after if after[key] != before[key]]
    live = {key for key in changed if key in LIVE}
    try:
        merged = _overlay(before, after, live)
        check_config(merged, places)
    except BadConfiguration:
        # The drop folders depend on a setting that needs a restart, such as a port for plain swarms.
        live.discard("drop")
        merged = _overlay(before, after, live)
    return merged, ReloadResult(
        applied=tuple(key for key in changed if key in live),
        restart=tuple(key for key in changed if key not in live),
    )


def _flatten(config: Config) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in msgspec.to_builtins(config).items():
        if isinstance(value, dict):
            flat |= {f"{key}.{inner}": of for inner, of in value.items()}
        else:
            flat[key] = value
    return flat


def _overlay(before: dict[str, Any], after: dict[str, Any], keys: set[str]) -> Config:
    document: dict[str, Any] = {}
    for key, value in {**before, **{key: after[key] for key in keys}}.items():
        table, dot, inner = key.partition(".")
        if dot:
            document.setdefault(table, {})[inner] = value
        else:
            document[key] = value
    return msgspec.convert(document, Config)
