"""The table of operations: the whole API of the agent.

Owns, for each operation, its method, path, request, response and roles. The routes of the server, the methods of the
client and ``docs/api.md`` are made from it; `tuishare.api.service.AgentService` documents what each operation does.
"""

from __future__ import annotations

from typing import Final

from tuishare.api.messages import (
    Accepted,
    Activity,
    CardInfo,
    CardText,
    Details,
    Download,
    DropChange,
    DropNamed,
    Event,
    FileChoice,
    Folder,
    FolderListing,
    FolderQuery,
    GroupChange,
    HubJoined,
    HubString,
    IntroductionAccepted,
    IntroductionNamed,
    Introductions,
    Invitation,
    InvitationNamed,
    InvitationText,
    JoinerAnswer,
    Joining,
    Link,
    NewInvitation,
    NewShare,
    NewUser,
    PathNamed,
    PathSize,
    People,
    Proof,
    Receipt,
    ReceiptQuery,
    Reloaded,
    SettingChange,
    SettingsText,
    Share,
    Snapshot,
    Status,
    Stopping,
    UserAdded,
    UserChange,
    UserNamed,
    UsersIntroduced,
    UsersToIntroduce,
)
from tuishare.api.operation import ClientMethod, Operation, Performer, Role
from tuishare.api.service import AgentService as Agent

SETTINGS_BODY: Final = 6 * 1024 * 1024
"""Longest body with a settings file, bytes: enough for a million characters, each escaped."""

_OWNER: Final = frozenset({Role.OWNER})
_OPERATORS: Final = frozenset({Role.OWNER, Role.OPERATOR})


class Operations(Performer):
    """The operations with one answer, in the order in which a path is matched."""

    status = ClientMethod(Agent.status, "GET", "/v1/status", None, Status, _OPERATORS, counted=False)
    snapshot = ClientMethod(Agent.snapshot, "GET", "/v1/snapshot", None, Snapshot, _OPERATORS)

    shares = ClientMethod(Agent.shares, "GET", "/v1/shares", None, list[Share], _OPERATORS)
    share = ClientMethod(Agent.share, "POST", "/v1/shares", NewShare, Accepted, _OPERATORS)
    share_details = ClientMethod(
        Agent.share_details, "GET", "/v1/shares/{share}/details", None, Details, _OPERATORS
    )
    share_proof = ClientMethod(Agent.share_proof, "GET", "/v1/shares/{share}/proof", None, Proof, _OPERATORS)
    revoke_from_share = ClientMethod(
        Agent.revoke_from_share, "POST", "/v1/shares/{share}/revoke", UserNamed, Accepted, _OPERATORS
    )
    order_share = ClientMethod(
        Agent.order_share, "POST", "/v1/shares/{share}/{order}", None, Accepted, _OPERATORS
    )

    downloads = ClientMethod(Agent.downloads, "GET", "/v1/downloads", None, list[Download], _OPERATORS)
    download_details = ClientMethod(
        Agent.download_details, "GET", "/v1/downloads/{download}/details", None, Details, _OPERATORS
    )
    choose_files = ClientMethod(
        Agent.choose_files, "POST", "/v1/downloads/{download}/wanted", FileChoice, Accepted, _OPERATORS
    )
    open_envelope = ClientMethod(
        Agent.open_envelope, "POST", "/v1/envelopes/open", PathNamed, Accepted, _OPERATORS
    )
    order_download = ClientMethod(
        Agent.order_download, "POST", "/v1/downloads/{download}/{order}", None, Accepted, _OPERATORS
    )

    links = ClientMethod(Agent.links, "GET", "/v1/links", None, list[Link], _OPERATORS)
    invitations = ClientMethod(Agent.invitations, "GET", "/v1/invitations", None, list[Invitation], _OWNER)
    invite = ClientMethod(Agent.invite, "POST", "/v1/invitations", NewInvitation, Invitation, _OWNER)
    cancel_invitation = ClientMethod(
        Agent.cancel_invitation, "POST", "/v1/invitations/cancel", InvitationNamed, Accepted, _OWNER
    )
    join = ClientMethod(Agent.join, "POST", "/v1/invitations/join", InvitationText, Joining, _OWNER)
    join_hub = ClientMethod(Agent.join_hub, "POST", "/v1/hub/join", HubString, HubJoined, _OWNER)
    receipts = ClientMethod(Agent.receipts, "POST", "/v1/receipts", ReceiptQuery, list[Receipt], _OPERATORS)
    answer_joiner = ClientMethod(
        Agent.answer_joiner, "POST", "/v1/invitations/answer", JoinerAnswer, Accepted, _OWNER
    )
    joins = ClientMethod(Agent.joins, "GET", "/v1/joins", None, list[Joining], _OWNER)
    cancel_join = ClientMethod(
        Agent.cancel_join, "POST", "/v1/joins/cancel", InvitationNamed, Accepted, _OWNER
    )
    introductions = ClientMethod(Agent.introductions, "GET", "/v1/introductions", None, Introductions, _OWNER)
    introduce = ClientMethod(
        Agent.introduce, "POST", "/v1/introductions", UsersToIntroduce, UsersIntroduced, _OWNER
    )
    accept_introduction = ClientMethod(
        Agent.accept_introduction,
        "POST",
        "/v1/introductions/accept",
        IntroductionAccepted,
        Accepted,
        _OWNER,
    )
    decline_introduction = ClientMethod(
        Agent.decline_introduction,
        "POST",
        "/v1/introductions/decline",
        IntroductionNamed,
        Accepted,
        _OWNER,
    )
    activity = ClientMethod(Agent.activity, "GET", "/v1/activity", None, list[Activity], _OPERATORS)

    people = ClientMethod(Agent.people, "GET", "/v1/people", None, People, _OPERATORS)
    card_seen = ClientMethod(Agent.card_seen, "POST", "/v1/people/card", CardText, CardInfo, _OWNER)
    add_user = ClientMethod(Agent.add_user, "POST", "/v1/people/add", NewUser, UserAdded, _OWNER)
    change_user = ClientMethod(Agent.change_user, "POST", "/v1/people/change", UserChange, Accepted, _OWNER)
    change_group = ClientMethod(Agent.change_group, "POST", "/v1/people/group", GroupChange, Reloaded, _OWNER)
    remove_user = ClientMethod(Agent.remove_user, "POST", "/v1/people/remove", UserNamed, Accepted, _OWNER)
    new_key = ClientMethod(Agent.new_key, "POST", "/v1/people/key", UserNamed, UserAdded, _OWNER)
    revoke_user = ClientMethod(Agent.revoke_user, "POST", "/v1/people/revoke", UserNamed, Accepted, _OWNER)
    rotate_identity = ClientMethod(
        Agent.rotate_identity, "POST", "/v1/identity/rotate", None, Accepted, _OWNER
    )

    folders = ClientMethod(Agent.folders, "GET", "/v1/folders", None, list[Folder], _OPERATORS)
    list_folder = ClientMethod(
        Agent.list_folder, "POST", "/v1/paths/list", FolderQuery, FolderListing, _OPERATORS
    )
    measure_path = ClientMethod(
        Agent.measure_path, "POST", "/v1/paths/measure", PathNamed, PathSize, _OPERATORS
    )

    set_drop = ClientMethod(Agent.set_drop, "POST", "/v1/folders/set", DropChange, Reloaded, _OPERATORS)
    remove_drop = ClientMethod(
        Agent.remove_drop, "POST", "/v1/folders/remove", DropNamed, Reloaded, _OPERATORS
    )
    settings = ClientMethod(Agent.settings, "GET", "/v1/settings", None, SettingsText, _OWNER)
    change_setting = ClientMethod(
        Agent.change_setting, "POST", "/v1/settings", SettingChange, Reloaded, _OWNER
    )
    write_settings = ClientMethod(
        Agent.write_settings,
        "POST",
        "/v1/settings/text",
        SettingsText,
        Reloaded,
        _OWNER,
        body_limit=SETTINGS_BODY,
    )
    reload = ClientMethod(Agent.reload, "POST", "/v1/reload", None, Reloaded, _OWNER)
    stop = ClientMethod(
        Agent.stop, "POST", "/v1/stop", None, Stopping, _OWNER, counted=False, any_version=True
    )


EVENTS: Final = Operation(
    Agent.events, "GET", "/v1/events", None, Event, _OPERATORS, counted=False, streams=True
)
"""The only operation whose answer is a stream of lines; streams have a limit of their own."""

CALLS: Final = tuple(row for row in vars(Operations).values() if isinstance(row, ClientMethod))
OPERATIONS: Final[tuple[Operation, ...]] = (*CALLS, EVENTS)
