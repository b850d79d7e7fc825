"""The messages of the agent's API: frozen values, unknown fields refused.

Owns the vocabulary and its units, one module for each subject. Sizes are bytes, rates are bytes per second, times are
Unix seconds. Names, paths and details are untrusted text: make them safe before displaying them. Must not send or
compute anything.
"""

from __future__ import annotations

from tuishare.api.messages.activity import Activity
from tuishare.api.messages.base import (
    PROTOCOL,
    PROTOCOL_HEADER,
    Accepted,
    Count,
    DownloadId,
    ErrorBody,
    Fraction,
    LeftOut,
    Message,
    Port,
    ShareId,
)
from tuishare.api.messages.details import FILES_SHOWN, Details, File, Finding, PeerInfo, Proof
from tuishare.api.messages.downloads import Download, DownloadAction, DownloadState, FileChoice, RenamedFile
from tuishare.api.messages.folders import DropChange, DropNamed, Folder
from tuishare.api.messages.introductions import (
    GivenIntroduction,
    GivenState,
    GroupChange,
    Introduction,
    IntroductionAccepted,
    IntroductionNamed,
    Introductions,
    UsersIntroduced,
    UsersToIntroduce,
)
from tuishare.api.messages.invitations import (
    Invitation,
    InvitationNamed,
    InvitationText,
    Joiner,
    JoinerAnswer,
    JoinerState,
    Joining,
    NewInvitation,
)
from tuishare.api.messages.links import (
    Handover,
    HandoverState,
    HubJoined,
    HubString,
    Link,
    Unanswered,
)
from tuishare.api.messages.paths import FolderEntry, FolderListing, FolderQuery, PathNamed, PathSize
from tuishare.api.messages.people import (
    CardInfo,
    CardText,
    NewUser,
    People,
    User,
    UserAdded,
    UserChange,
    UserKind,
    UserNamed,
    UserOrigin,
)
from tuishare.api.messages.receipts import CheckedReceipt, Receipt, ReceiptQuery, ReceiptState, SignerTrust
from tuishare.api.messages.settings import Reloaded, SettingChange, SettingsText
from tuishare.api.messages.shares import Delivery, DeliveryState, NewShare, Share, ShareAction, ShareState
from tuishare.api.messages.snapshot import Changes, Event, Heartbeat, Snapshot
from tuishare.api.messages.status import Problem, Status, Stopping
from tuishare.core.activity import ACTIVITY_SHOWN, ActivityKind
from tuishare.core.folder_state import FolderState, PollReason

__all__ = [
    "ACTIVITY_SHOWN",
    "FILES_SHOWN",
    "PROTOCOL",
    "PROTOCOL_HEADER",
    "Accepted",
    "Activity",
    "ActivityKind",
    "CardInfo",
    "CardText",
    "Changes",
    "CheckedReceipt",
    "Count",
    "Delivery",
    "DeliveryState",
    "Details",
    "Download",
    "DownloadAction",
    "DownloadId",
    "DownloadState",
    "DropChange",
    "DropNamed",
    "ErrorBody",
    "Event",
    "File",
    "FileChoice",
    "Finding",
    "Folder",
    "FolderEntry",
    "FolderListing",
    "FolderQuery",
    "FolderState",
    "Fraction",
    "GivenIntroduction",
    "GivenState",
    "GroupChange",
    "Handover",
    "HandoverState",
    "Heartbeat",
    "HubJoined",
    "HubString",
    "Introduction",
    "IntroductionAccepted",
    "IntroductionNamed",
    "Introductions",
    "Invitation",
    "InvitationNamed",
    "InvitationText",
    "Joiner",
    "JoinerAnswer",
    "JoinerState",
    "Joining",
    "LeftOut",
    "Link",
    "Message",
    "NewInvitation",
    "NewShare",
    "NewUser",
    "PathNamed",
    "PathSize",
    "PeerInfo",
    "People",
    "PollReason",
    "Port",
    "Problem",
    "Proof",
    "Receipt",
    "ReceiptQuery",
    "ReceiptState",
    "Reloaded",
    "RenamedFile",
    "SettingChange",
    "SettingsText",
    "Share",
    "ShareAction",
    "ShareId",
    "ShareState",
    "SignerTrust",
    "Snapshot",
    "Status",
    "Stopping",
    "Unanswered",
    "User",
    "UserAdded",
    "UserChange",
    "UserKind",
    "UserNamed",
    "UserOrigin",
    "UsersIntroduced",
    "UsersToIntroduce",
]
