"""Which dialog opens for which wish of the person.

Owns the list; what a dialog asks is in its screen, which is loaded when it is opened: the first frame does not wait for
what nobody has asked for. A key or a command whose dialog is not in the list is not offered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from tuishare.api.messages import Download, Folder, People, Share, User
from tuishare.errors import Refused, TuishareError
from tuishare.presentation.problems import request_failed

if TYPE_CHECKING:
    from tuishare.tui.app import Dashboard

Subject = Share | Download | User | Folder
"""What a dialog can be about."""

Opener = Callable[["Dashboard", tuple[Subject, ...]], object]
"""Pushes a screen; is given what was marked, or else what the cursor is on, as it was shown then."""


def _people(app: Dashboard) -> People:
    snapshot = app.view.snapshot
    return snapshot.people if snapshot else People()


def _open_new_share(app: Dashboard, _about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.new_share import NewShareScreen

    app.push_screen(NewShareScreen(_people(app)))


def _open_revoke(app: Dashboard, about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.revoke import RevokeScreen

    if shares := [subject for subject in about if isinstance(subject, Share)]:
        app.push_screen(RevokeScreen(shares))


def _open_revoke_user(app: Dashboard, about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.revoke import RevokeUserScreen

    if users := [subject for subject in about if isinstance(subject, User)]:
        app.push_screen(RevokeUserScreen(users))


def _open_approve(app: Dashboard, about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.approve import ApproveScreen

    for subject in about[:1]:
        if isinstance(subject, Download):
            app.push_screen(ApproveScreen(subject, _people(app)))


def _open_add_user(app: Dashboard, _about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.add_user import AddUserScreen

    app.push_screen(AddUserScreen())


def _open_user(app: Dashboard, about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.user import UserScreen

    for subject in about[:1]:
        if isinstance(subject, User):
            app.push_screen(UserScreen(subject))


def _open_card(app: Dashboard, _about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.first_run import CardScreen

    app.push_screen(CardScreen())


def _open_rotate(app: Dashboard, _about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.rotate import RotateScreen

    app.push_screen(RotateScreen(_people(app)))


def _open_add_folder(app: Dashboard, _about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.folder import FolderScreen

    app.push_screen(FolderScreen(_people(app)))


def _open_folder(app: Dashboard, about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.folder import FolderScreen

    for subject in about[:1]:
        if isinstance(subject, Folder):
            app.push_screen(FolderScreen(_people(app), subject))


def _open_files(app: Dashboard, about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.files import FilesScreen

    async def ask(download: Download) -> None:
        try:
            details = await app.agent.download_details(download.id)
            if details.more_files:
                raise Refused("It has too many files to choose from here")
            app.push_screen(FilesScreen(download, details))
        except TuishareError as error:
            app.tell_error(error)
        except Exception as error:  # noqa: BLE001 (never a traceback on the screen)
            app.log.error(error)
            app.tell_error(request_failed())

    for subject in about[:1]:
        if isinstance(subject, Download):
            app.run_worker(ask(subject), name="files", group="files", exclusive=True)


def _open_settings(app: Dashboard, _about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.settings import SettingsScreen

    async def ask() -> None:
        try:
            app.push_screen(SettingsScreen(await app.agent.settings()))
        except TuishareError as error:
            app.tell_error(error)
        except Exception as error:  # noqa: BLE001 (never a traceback on the screen)
            app.log.error(error)
            app.tell_error(request_failed())

    app.run_worker(ask(), name="settings", group="settings", exclusive=True)


DIALOGS: Final[Mapping[str, Opener]] = {
    "new_share": _open_new_share,
    "revoke": _open_revoke,
    "approve": _open_approve,
    "choose": _open_files,
    "add_user": _open_add_user,
    "change_user": _open_user,
    "revoke_user": _open_revoke_user,
    "card": _open_card,
    "rotate": _open_rotate,
    "add_folder": _open_add_folder,
    "change_folder": _open_folder,
    "settings": _open_settings,
}
"""By wish. Shares are revoked, users are revoked everywhere; the others are about the first of what is given, if they
are about something listed at all."""
