"""The five tabs: what each lists, the sections of its entries, and its keys.

Owns the choice of keys; `tuishare.tui.widgets.pane` owns how a tab works.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, Final

from textual.binding import Binding, BindingType

from tuishare.api.messages import (
    ActivityKind,
    Details,
    Download,
    DownloadAction,
    DownloadState,
    Problem,
    Share,
    ShareAction,
    User,
)
from tuishare.errors import NotFound
from tuishare.presentation.actions import Action, can_choose, describe_action
from tuishare.presentation.row_models import AgentFolder, EventRow, Person
from tuishare.presentation.states import name_activity
from tuishare.tui.dashboard_base import DialogKind, Subject
from tuishare.tui.describe.agent import describe_event, describe_folder
from tuishare.tui.describe.details import describe_files, describe_history, describe_peers
from tuishare.tui.describe.people import describe_person
from tuishare.tui.describe.transfers import describe_download, describe_share
from tuishare.tui.empty_states import (
    explain_no_activity,
    explain_no_downloads,
    explain_no_folders,
    explain_no_people,
    explain_no_shares,
)
from tuishare.tui.entry_commands import Command, offer_for_download, offer_for_folder, offer_for_share
from tuishare.tui.tab_models import ACTIVITY, DOWNLOADS, FOLDERS, PEOPLE, SHARES
from tuishare.tui.view import dismiss
from tuishare.tui.widgets.detail import Section
from tuishare.tui.widgets.pane import EntryPane

_UNOPENED: Final = frozenset({DownloadState.LOCKED, DownloadState.REJECTED})
"""States of envelopes that the agent has not opened."""
_COPY: Final = Binding("c", "copy", "Copy path", show=False, tooltip="copy the path")


def _bind(actions: Iterable[Action], *, ends: bool) -> Iterator[Binding]:
    """Return the keys of the actions that end an entry, or of the others."""
    for action in actions:
        text = describe_action(action)
        if text.ends is ends:
            key = text.key
            shown = key.name if key.name.isupper() else None
            yield Binding(key.name, f"command('{action}')", key.label, tooltip=key.tooltip, key_display=shown)


class SharesPane(EntryPane[Share]):
    """The shares of the agent."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "dialog('new_share')", "New", tooltip="share a file or folder"),
        *_bind(ShareAction, ends=False),
        Binding("r", "dialog('revoke')", "Revoke", tooltip="revoke recipients"),
        *_bind(ShareAction, ends=True),
        _COPY,
        Binding("y", "copy_envelope", "Copy envelope", tooltip="copy the path of the envelope to carry"),
    ]

    def __init__(self) -> None:
        sections: tuple[Section[Share], ...] = (
            Section("Delivery", summary=lambda share, _, now, width: describe_share(share, now, width)),
            Section("Files", details=describe_files),
            Section("Peers", details=describe_peers),
            Section("History", details=describe_history),
        )
        super().__init__(SHARES, sections, explain_no_shares, self._inquire)

    def offer(self, entry: Share) -> Mapping[str, Command]:
        """Return the commands that a share offers."""
        return offer_for_share(entry)

    def ask_about(self, kind: DialogKind) -> tuple[Subject, ...] | None:
        """Offer a new share always, and revoking where recipients have tickets."""
        if kind is DialogKind.NEW_SHARE:
            return ()
        if kind is DialogKind.REVOKE:
            return tuple(share for share in self.chosen if share.generation and share.deliveries) or None
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the envelope that a person has to carry."""
        if action == "copy_envelope":
            share = self.table.selected
            return share is not None and bool(share.envelope)
        return super().check_action(action, parameters)

    def _offered_now(self) -> object:
        share = self.table.selected
        return super()._offered_now(), share is not None and bool(share.envelope)

    def action_copy_envelope(self) -> None:
        """Copy the path of the envelope of the selected share."""
        if (share := self.table.selected) is not None:
            self.copy(share.envelope)

    async def _inquire(self, share: Share) -> Details:
        if not share.generation:  # not a share yet: an entry of a drop folder
            raise NotFound("This entry is not shared yet", hint="See the section Delivery.")
        return await self.app.agent.share_details(share.id)


class DownloadsPane(EntryPane[Download]):
    """The downloads of the agent."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *_bind(DownloadAction, ends=False),
        Binding("o", "dialog('open_envelope')", "Open", tooltip="open an envelope that came by hand"),
        Binding("t", "dialog('choose_files')", "Files", tooltip="choose which files to download"),
        *_bind(DownloadAction, ends=True),
        _COPY,
    ]

    def __init__(self) -> None:
        sections: tuple[Section[Download], ...] = (
            Section("Progress", summary=lambda item, _, now, width: describe_download(item, now, width)),
            Section("Files", details=describe_files),
            Section("Peers", details=describe_peers),
            Section("History", details=describe_history),
        )
        super().__init__(DOWNLOADS, sections, explain_no_downloads, self._inquire)

    def offer(self, entry: Download) -> Mapping[str, Command]:
        """Return the commands that a download offers."""
        return offer_for_download(entry)

    def ask_about(self, kind: DialogKind) -> tuple[Subject, ...] | None:
        """Offer an envelope always, approval where it is needed, and a choice of files until all have arrived."""
        if kind is DialogKind.OPEN_ENVELOPE:
            return ()
        chosen = self.chosen
        if kind is DialogKind.CHOOSE_FILES:
            return chosen if len(chosen) == 1 and can_choose(chosen[0]) else None
        fits = kind is DialogKind.APPROVE and len(chosen) == 1 and chosen[0].state is DownloadState.WAITING
        return chosen if fits else None

    def action_command(self, word: str) -> None:
        """Show one download before it is approved; approve several at once."""
        if word == DownloadAction.APPROVE and self.ask_about(DialogKind.APPROVE):
            self.action_dialog(DialogKind.APPROVE)
        else:
            super().action_command(word)

    async def _inquire(self, download: Download) -> Details:
        if download.state in _UNOPENED:
            raise NotFound("This envelope has not been opened", hint="See the section Progress.")
        return await self.app.agent.download_details(download.id)


class PeoplePane(EntryPane[Person]):
    """The users and groups, and our own card."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "dialog('invite')", "Invite", tooltip="invite a user"),
        Binding("o", "dialog('join')", "Join", tooltip="join: open an invitation that you received"),
        Binding("n", "dialog('add_user')", "New", tooltip="add a user by a card or key"),
        Binding(
            "e,enter", "dialog('change_user')", "Edit", key_display="e", tooltip="verify, groups, remove"
        ),
        Binding("c", "copy_card", "Copy my card", tooltip="copy your own card"),
        Binding("r", "dialog('revoke_user')", "Revoke", tooltip="revoke everywhere"),
        Binding("R", "dialog('rotate')", "New keys", key_display="R", tooltip="replace your own keys"),
    ]

    def __init__(self) -> None:
        super().__init__(PEOPLE, (Section("Person", summary=describe_person),), explain_no_people)

    def ask_about(self, kind: DialogKind) -> tuple[Subject, ...] | None:
        """Offer changes of one row at a time, and revoking of users who have tickets."""
        users = tuple(person for person in self.chosen if isinstance(person, User))
        match kind:
            case DialogKind.ADD_USER | DialogKind.INVITE | DialogKind.JOIN | DialogKind.ROTATE:
                return ()
            case DialogKind.CHANGE_USER:
                return tuple(self.chosen) if len(self.chosen) == 1 else None
            case DialogKind.REVOKE_USER:
                return tuple(user for user in users if user.shares) or None
            case _:
                return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer our card once it is known."""
        if action == "copy_card":
            snapshot = self.app.view.snapshot
            return snapshot is not None and bool(snapshot.people.card)
        return super().check_action(action, parameters)

    def action_copy_card(self) -> None:
        """Copy our own card."""
        if snapshot := self.app.view.snapshot:
            self.copy(snapshot.people.card)


class FoldersPane(EntryPane[AgentFolder]):
    """The drop folders, and the other folders of the agent."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "dialog('add_folder')", "New", tooltip="add a drop folder"),
        Binding(
            "e,enter", "dialog('change_folder')", "Edit", key_display="e", tooltip="change its recipients"
        ),
        Binding("D", "command('remove')", "Remove", key_display="D", tooltip="stop sharing its contents"),
        _COPY,
    ]

    def __init__(self) -> None:
        super().__init__(FOLDERS, (Section("Folder", summary=describe_folder),), explain_no_folders)

    def offer(self, entry: AgentFolder) -> Mapping[str, Command]:
        """Return the commands that a folder offers."""
        return offer_for_folder(entry)

    def ask_about(self, kind: DialogKind) -> tuple[Subject, ...] | None:
        """Offer a new drop folder always, and changes of one drop folder."""
        if kind is DialogKind.ADD_FOLDER:
            return ()
        folders = tuple(folder.drop for folder in self.chosen if folder.drop is not None)
        return folders if kind is DialogKind.CHANGE_FOLDER and len(folders) == 1 else None


class ActivityPane(EntryPane[EventRow]):
    """Current problems and past events."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "dismiss", "Hide", tooltip="hide a problem"),
        Binding("t", "next_kind", "Kind", tooltip="show only one kind of event; again for the next"),
        Binding("c", "copy", "Copy", show=False, tooltip="copy the event"),
    ]

    def __init__(self) -> None:
        super().__init__(ACTIVITY, (Section("Event", summary=describe_event),), explain_no_activity)
        self.kind: ActivityKind | None = None

    def wanted(self, entry: EventRow) -> bool:
        """List problems until they are dismissed, and events of the chosen kind."""
        if isinstance(entry, Problem):
            return entry.id not in self.app.view.dismissed
        return self.kind is None or entry.kind is self.kind

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to dismiss problems, not past events."""
        if action == "dismiss":
            return any(isinstance(event, Problem) for event in self.chosen)
        return super().check_action(action, parameters)

    def action_dismiss(self) -> None:
        """Hide the chosen problems."""
        chosen = (event.id for event in self.chosen if isinstance(event, Problem))
        self.app.view = dismiss(self.app.view, chosen)

    def action_next_kind(self) -> None:
        """List only the next kind among the events; after the last one, list all."""
        snapshot = self.app.view.snapshot
        if snapshot is None:
            return
        present = {event.kind for event in snapshot.activity}
        kinds: list[ActivityKind | None] = [None, *(kind for kind in ActivityKind if kind in present)]
        position = kinds.index(self.kind) if self.kind in kinds else 0
        self.kind = kinds[(position + 1) % len(kinds)]
        self.notify("Showing: " + (name_activity(self.kind) if self.kind else "everything"), timeout=2)
        self.show()
