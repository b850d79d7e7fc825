"""Which dialog opens for which wish of the person.

Owns the list; what a dialog asks is in its screen. A key or a command whose dialog is not in the list is not offered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from tuishare.api.messages import Download, Folder, People, Share, User
from tuishare.errors import SystemFailed, TuishareError
from tuishare.tui.screens.add_user import AddUserScreen
from tuishare.tui.screens.approve import ApproveScreen
from tuishare.tui.screens.first_run import CardScreen
from tuishare.tui.screens.folder import FolderScreen
from tuishare.tui.screens.new_share import NewShareScreen
from tuishare.tui.screens.revoke import RevokeScreen, RevokeUserScreen
from tuishare.tui.screens.rotate import RotateScreen
from tuishare.tui.screens.settings import SettingsScreen
from tuishare.tui.screens.user import UserScreen

if TYPE_CHECKING:
    from tuishare.tui.app import Dashboard

Subject = Share | Download | User | Folder
"""What a dialog can be about."""

Opener = Callable[["Dashboard", tuple[Subject, ...]], object]
"""Pushes a screen; is given what was marked, or else what the cursor is on, as it was shown then."""


def _people(app: Dashboard) -> People:
    snapshot = app.view.snapshot
    return snapshot.people if snapshot else People()


def _open_revoke(app: Dashboard, about: tuple[Subject, ...]) -> None:
    if shares := [subject for subject in about if isinstance(subject, Share)]:
        app.push_screen(RevokeScreen(shares))


def _open_revoke_user(app: Dashboard, about: tuple[Subject, ...]) -> None:
    if users := [subject for subject in about if isinstance(subject, User)]:
        app.push_screen(RevokeUserScreen(users))


def _open_approve(app: Dashboard, about: tuple[Subject, ...]) -> None:
    for subject in about[:1]:
        if isinstance(subject, Download):
            app.push_screen(ApproveScreen(subject, _people(app)))


def _open_user(app: Dashboard, about: tuple[Subject, ...]) -> None:
    for subject in about[:1]:
        if isinstance(subject, User):
            app.push_screen(UserScreen(subject))


def _open_folder(app: Dashboard, about: tuple[Subject, ...]) -> None:
    for subject in about[:1]:
        if isinstance(subject, Folder):
            app.push_screen(FolderScreen(_people(app), subject))


def _open_settings(app: Dashboard, _about: tuple[Subject, ...]) -> None:
    async def ask() -> None:
        try:
            app.push_screen(SettingsScreen(await app.agent.settings()))
        except TuishareError as error:
            app.tell_error(error)
        except Exception as error:  # noqa: BLE001 (never a traceback on the screen)
            app.log.error(error)
            app.tell_error(SystemFailed("The agent could not be asked", hint="Try again."))

    app.run_worker(ask(), name="settings", group="settings", exclusive=True)


DIALOGS: Final[Mapping[str, Opener]] = {
    "new_share": lambda app, _: app.push_screen(NewShareScreen(_people(app))),
    "revoke": _open_revoke,
    "approve": _open_approve,
    "add_user": lambda app, _: app.push_screen(AddUserScreen()),
    "change_user": _open_user,
    "revoke_user": _open_revoke_user,
    "card": lambda app, _: app.push_screen(CardScreen()),
    "rotate": lambda app, _: app.push_screen(RotateScreen(_people(app))),
    "add_folder": lambda app, _: app.push_screen(FolderScreen(_people(app))),
    "change_folder": _open_folder,
    "settings": _open_settings,
}
"""By wish. Shares are revoked, users are revoked everywhere; the others are about the first of what is given, if they
are about something listed at all."""
