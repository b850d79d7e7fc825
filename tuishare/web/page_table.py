"""The table of pages: each page and form of the site, and who may use it.

Owns that list. Routes, menu and the tests of every role are made from it; roles follow from the operations of the agent
that a row uses, see `tuishare.web.visit.PageOperation`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from tuishare.api.operation import Operation, Role
from tuishare.api.operations import EVENTS, SETTINGS_BODY
from tuishare.api.operations import Operations as Agent
from tuishare.web.pages import (
    account,
    activity,
    agent,
    assets,
    downloads,
    first_page,
    folders,
    invitations,
    log_in,
    people,
    settings,
    shares,
)
from tuishare.web.visit import PageOperation, Visit

_OWNER: Final = frozenset({Role.OWNER})
_LIVE: Final = (Agent.snapshot, EVENTS)

_Function = Callable[[Visit], Awaitable[Any]]


def _public(path: str, answer: _Function) -> PageOperation:
    return PageOperation("GET", path, answer, public=True)


def _show(path: str, answer: _Function, *uses: Operation, tab: str = "") -> PageOperation:
    return PageOperation("GET", path, answer, uses=uses, tab=tab)


def _live(path: str, answer: _Function) -> PageOperation:
    return PageOperation("GET", path, answer, uses=_LIVE, streams=True)


def _send(path: str, answer: _Function, *uses: Operation, form: PageOperation | None = None) -> PageOperation:
    return PageOperation("POST", path, answer, uses=uses, form=form)


_LOG_IN: Final = _public("/log-in", log_in.show_log_in)
_LINK: Final = _public("/link", log_in.show_link)
_ACCOUNT: Final = _show("/account", account.show_account)
_SHARE: Final = "/shares/{share}"
_NEW_SHARE: Final = _show("/shares/new", shares.ask_new_share, Agent.people, Agent.measure_path)
_ASK_SHARE: Final = _show(f"{_SHARE}/order/{{order}}", shares.ask_share_order, Agent.snapshot)
_REVOKE: Final = _show(f"{_SHARE}/revoke", shares.ask_revoke, Agent.snapshot)
_DOWNLOAD: Final = "/downloads/{download}"
_ASK_DOWNLOAD: Final = _show(f"{_DOWNLOAD}/order/{{order}}", downloads.ask_download_order, Agent.snapshot)
_APPROVE: Final = _show(
    f"{_DOWNLOAD}/approve", downloads.ask_approval, Agent.snapshot, Agent.download_details
)
_FILES: Final = _show(f"{_DOWNLOAD}/files", downloads.ask_files, Agent.snapshot, Agent.download_details)
_ENVELOPE: Final = _show("/envelopes/open", downloads.ask_envelope)
_USER: Final = "/people/{user}"
_NEW_USER: Final = _show("/users/new", people.ask_new_user, Agent.card_seen)
_SHOW_USER: Final = _show(_USER, people.show_user, Agent.snapshot)
_REMOVE_USER: Final = _show(f"{_USER}/remove", people.ask_remove_user, Agent.snapshot)
_REVOKE_USER: Final = _show(f"{_USER}/revoke", people.ask_revoke_user, Agent.snapshot)
_NEW_KEY: Final = _show(f"{_USER}/key", people.ask_new_key, Agent.snapshot)
_GROUP: Final = _show("/groups/{group}", people.show_group, Agent.snapshot)
_INTRODUCTION: Final = _show("/introductions/{introduction}", people.show_introduction, Agent.snapshot)
_NEW_KEYS: Final = _show("/card/replace", people.ask_new_keys, Agent.people)
_INVITATIONS: Final = _show("/invitations", invitations.list_invitations, Agent.joins, Agent.invitations)
_INVITE: Final = PageOperation("GET", "/invitations/new", invitations.ask_invitation, only=_OWNER)
_JOIN: Final = PageOperation("GET", "/join", invitations.ask_join, only=_OWNER)
_NEW_FOLDER: Final = _show("/folders/new", folders.ask_folder, Agent.people)
_FOLDER: Final = _show("/folders/change", folders.ask_folder_change, Agent.snapshot)
_REMOVE_FOLDER: Final = _show("/folders/remove", folders.ask_folder_removal, Agent.snapshot)
_SETTINGS: Final = _show("/settings", settings.show_settings, Agent.settings, Agent.status, tab="Settings")
_FILE: Final = _show("/settings/file", settings.show_file, Agent.settings)

PAGES: Final[tuple[PageOperation, ...]] = (
    _public("/static/{digest}/{name}", assets.send_asset),
    _LOG_IN,
    PageOperation("POST", "/log-in", log_in.log_in, public=True, form=_LOG_IN),
    _LINK,
    PageOperation("POST", "/link", log_in.use_link, public=True, form=_LINK),
    _send("/log-out", log_in.log_out),
    _show("/", first_page.go_home),
    _ACCOUNT,
    _send("/account/password", account.change_password, form=_ACCOUNT),
    _send("/account/log-out-everywhere", account.log_out_everywhere),
    # shares
    _show("/shares", shares.list_shares, Agent.snapshot, tab="Shares"),
    _live("/shares/live", shares.follow_shares),
    _NEW_SHARE,
    _send("/shares/new", shares.make_share, Agent.share, form=_NEW_SHARE),
    _show(_SHARE, shares.show_share, Agent.snapshot, Agent.share_details),
    _live(f"{_SHARE}/live", shares.follow_share),
    _ASK_SHARE,
    _send(f"{_SHARE}/order/{{order}}", shares.order_share, Agent.order_share, form=_ASK_SHARE),
    _REVOKE,
    _send(f"{_SHARE}/revoke", shares.revoke, Agent.revoke_from_share, form=_REVOKE),
    _show(f"{_SHARE}/privacy", shares.show_privacy, Agent.snapshot, Agent.share_proof),
    # downloads
    _show("/downloads", downloads.list_downloads, Agent.snapshot, tab="Downloads"),
    _live("/downloads/live", downloads.follow_downloads),
    _show(_DOWNLOAD, downloads.show_download, Agent.snapshot, Agent.download_details),
    _live(f"{_DOWNLOAD}/live", downloads.follow_download),
    _ASK_DOWNLOAD,
    _send(f"{_DOWNLOAD}/order/{{order}}", downloads.order_download, Agent.order_download, form=_ASK_DOWNLOAD),
    _APPROVE,
    _send(
        f"{_DOWNLOAD}/approve",
        downloads.approve_always,
        Agent.change_user,
        Agent.order_download,
        form=_APPROVE,
    ),
    _FILES,
    _send(f"{_DOWNLOAD}/files", downloads.choose_files, Agent.choose_files, form=_FILES),
    _ENVELOPE,
    _send("/envelopes/open", downloads.open_envelope, Agent.open_envelope, form=_ENVELOPE),
    # people
    _show("/people", people.list_users, Agent.snapshot, tab="People"),
    _live("/people/live", people.follow_people),
    _NEW_USER,
    _send("/users/look", people.look_at_card, Agent.card_seen, form=_NEW_USER),
    _send("/users/new", people.add_user, Agent.add_user, form=_NEW_USER),
    _SHOW_USER,
    _send(_USER, people.change_user, Agent.change_user, form=_SHOW_USER),
    _REMOVE_USER,
    _send(f"{_USER}/remove", people.remove_user, Agent.remove_user, form=_REMOVE_USER),
    _REVOKE_USER,
    _send(f"{_USER}/revoke", people.revoke_user, Agent.revoke_user, form=_REVOKE_USER),
    _NEW_KEY,
    _send(f"{_USER}/key", people.make_key, Agent.new_key, form=_NEW_KEY),
    _GROUP,
    _send("/groups/{group}", people.change_group, Agent.change_group, form=_GROUP),
    _send("/groups/{group}/introduce", people.introduce, Agent.introduce, form=_GROUP),
    _INTRODUCTION,
    _send(
        "/introductions/{introduction}",
        people.accept_introduction,
        *(Agent.accept_introduction, Agent.change_user),
        form=_INTRODUCTION,
    ),
    _send(
        "/introductions/{introduction}/decline",
        people.decline_introduction,
        *(Agent.decline_introduction, Agent.snapshot),
    ),
    _show("/card", people.show_card, Agent.people),
    _NEW_KEYS,
    _send("/card/replace", people.replace_keys, Agent.rotate_identity, form=_NEW_KEYS),
    _INVITATIONS,
    _INVITE,
    _send("/invitations/new", invitations.invite, Agent.invite, form=_INVITE),
    _send("/invitations/cancel", invitations.cancel_invitation, Agent.cancel_invitation, form=_INVITATIONS),
    _send("/invitations/answer", invitations.answer_joiner, Agent.answer_joiner, form=_INVITATIONS),
    _JOIN,
    _send("/join", invitations.join, Agent.join, form=_JOIN),
    _send("/join/cancel", invitations.cancel_join, Agent.cancel_join, form=_INVITATIONS),
    # folders, activity, settings, the agent
    _show("/folders", folders.list_folders, Agent.snapshot, tab="Folders"),
    _live("/folders/live", folders.follow_folders),
    _NEW_FOLDER,
    _send("/folders/new", folders.set_folder, Agent.set_drop, form=_NEW_FOLDER),
    _FOLDER,
    _send("/folders/change", folders.set_folder, Agent.set_drop, form=_FOLDER),
    _REMOVE_FOLDER,
    _send("/folders/remove", folders.remove_folder, Agent.remove_drop, form=_REMOVE_FOLDER),
    _show("/browse", folders.browse, Agent.list_folder),
    _show("/activity", activity.list_activity, Agent.snapshot, tab="Activity"),
    _live("/activity/live", activity.follow_activity),
    _SETTINGS,
    _send("/settings", settings.change_settings, Agent.change_setting, form=_SETTINGS),
    _FILE,
    PageOperation(
        "POST",
        "/settings/file",
        settings.write_file,
        uses=(Agent.write_settings,),
        form=_FILE,
        body_limit=SETTINGS_BODY,
    ),
    PageOperation("GET", "/doctor", agent.show_doctor, only=_OWNER, tab="Doctor"),
    _show("/agent", agent.show_agent, Agent.snapshot, tab="Agent"),
    _live("/agent/live", agent.follow_agent),
    PageOperation("POST", "/agent/start", agent.start_agent, only=_OWNER),
)
"""All pages, in the order in which a path is matched."""

MENU: Final = tuple(page for page in PAGES if page.tab)
"""The rows of the menu."""
