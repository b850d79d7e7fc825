"""The screen of each dialog.

Owns the list. A screen is imported when it is opened, so that the first frame does not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tuishare.api.messages import Download, Folder, Introduction, Share, User
from tuishare.errors import Refused
from tuishare.presentation.row_models import Group
from tuishare.tui.dashboard_base import DashboardBase, DialogKind, Subject

Opener = Callable[[DashboardBase, tuple[Subject, ...]], object]
"""Opens a screen for these subjects."""


def _open_new_share(app: DashboardBase, _about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.new_share import NewShareScreen

    app.push_screen(NewShareScreen(app.people))


def _open_revoke(app: DashboardBase, about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.revoke import RevokeScreen

    if shares := [subject for subject in about if isinstance(subject, Share)]:
        app.push_screen(RevokeScreen(shares))


def _open_revoke_user(app: DashboardBase, about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.revoke import RevokeUserScreen

    if users := [subject for subject in about if isinstance(subject, User)]:
        app.push_screen(RevokeUserScreen(users))


def _open_approve(app: DashboardBase, about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.download import ApproveScreen

    for subject in about[:1]:
        if isinstance(subject, Download):
            app.push_screen(ApproveScreen(subject, app.people))


def _open_envelope(app: DashboardBase, _about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.open_envelope import OpenEnvelopeScreen

    app.push_screen(OpenEnvelopeScreen())


def _open_add_user(app: DashboardBase, _about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.add_user import AddUserScreen

    app.push_screen(AddUserScreen())


def _open_invite(app: DashboardBase, _about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.invite import InviteScreen

    app.push_screen(InviteScreen())


def _open_invitations(app: DashboardBase, _about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.invitations import InvitationsScreen

    app.push_screen(InvitationsScreen())


def _open_join(app: DashboardBase, _about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.join import JoinScreen

    app.push_screen(JoinScreen())


def _open_user(app: DashboardBase, about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.introduction import GroupScreen, IntroductionScreen
    from tuishare.tui.screens.user import UserScreen

    for subject in about[:1]:
        match subject:
            case User():
                app.push_screen(UserScreen(subject))
            case Introduction():
                app.push_screen(IntroductionScreen(subject))
            case Group():
                app.push_screen(GroupScreen(subject))
            case _:
                pass


def _open_card(app: DashboardBase, _about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.own_card import CardScreen

    app.push_screen(CardScreen())


def _open_rotate(app: DashboardBase, _about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.own_card import RotateScreen

    app.push_screen(RotateScreen(app.people))


def _open_add_folder(app: DashboardBase, _about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.folder import FolderScreen

    app.push_screen(FolderScreen(app.people))


def _open_folder(app: DashboardBase, about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.folder import FolderScreen

    for subject in about[:1]:
        if isinstance(subject, Folder):
            app.push_screen(FolderScreen(app.people, subject))


def _open_files(app: DashboardBase, about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.download import FilesScreen

    async def ask(download: Download) -> None:
        try:
            details = await app.agent.download_details(download.id)
            if details.more_files:
                raise Refused(
                    "This download has too many files to choose from here", hint="Use: tuishare choose"
                )
            app.push_screen(FilesScreen(download, details))
        except Exception as error:  # noqa: BLE001 (never a traceback on the screen)
            app.notify_error(app.make_presentable(error))

    for subject in about[:1]:
        if isinstance(subject, Download):
            app.run_worker(ask(subject), name="files", group="files", exclusive=True)


def _open_settings(app: DashboardBase, _about: tuple[Subject, ...]) -> None:
    from tuishare.tui.screens.settings import SettingsScreen

    async def ask() -> None:
        try:
            app.push_screen(SettingsScreen(await app.agent.settings()))
        except Exception as error:  # noqa: BLE001 (never a traceback on the screen)
            app.notify_error(app.make_presentable(error))

    app.run_worker(ask(), name="settings", group="settings", exclusive=True)


DIALOGS: Final[Mapping[DialogKind, Opener]] = {
    DialogKind.NEW_SHARE: _open_new_share,
    DialogKind.REVOKE: _open_revoke,
    DialogKind.APPROVE: _open_approve,
    DialogKind.CHOOSE_FILES: _open_files,
    DialogKind.OPEN_ENVELOPE: _open_envelope,
    DialogKind.ADD_USER: _open_add_user,
    DialogKind.INVITE: _open_invite,
    DialogKind.INVITATIONS: _open_invitations,
    DialogKind.JOIN: _open_join,
    DialogKind.CHANGE_USER: _open_user,
    DialogKind.REVOKE_USER: _open_revoke_user,
    DialogKind.CARD: _open_card,
    DialogKind.ROTATE: _open_rotate,
    DialogKind.ADD_FOLDER: _open_add_folder,
    DialogKind.CHANGE_FOLDER: _open_folder,
    DialogKind.SETTINGS: _open_settings,
}
"""All dialogs. Revoking takes several subjects; the others take the first one, or none."""
