"""Shares: the list, one share, a new one, and what can be done with one."""

from __future__ import annotations

from typing import Final

from tuishare.api.messages import (
    DeliveryState,
    NewShare,
    PathNamed,
    PathSize,
    Share,
    ShareAction,
    ShareId,
    Snapshot,
    UserNamed,
)
from tuishare.config.expiry import parse_expiry
from tuishare.errors import BadInput, NotFound, TuishareError
from tuishare.presentation.actions import announce_action, describe_action
from tuishare.presentation.consequences import REVOKE_CANNOT, REVOKE_DOES, question_about_share
from tuishare.presentation.states import name_share_state
from tuishare.web.live_list import LiveList
from tuishare.web.pages.common import list_recipients, require_member
from tuishare.web.visit import LiveStream, Moved, Page, Visit, path_of

SHARES: Final = LiveList(
    "share_row",
    lambda snapshot: sorted(snapshot.shares, key=lambda share: (-share.added, share.id)),
    lambda share: share.id,
    lambda share: " ".join((share.name, *share.recipients, name_share_state(share.state))),
    {
        "name": lambda share: share.name.casefold(),
        "size": lambda share: -share.size,
        "state": lambda share: share.state.value,
        "rate": lambda share: -share.rate_up,
    },
    "rows",
)
_ONE: Final = LiveList("share_summary", lambda snapshot: snapshot.shares, lambda share: share.id)


async def list_shares(visit: Visit) -> Page:
    """Show the shares, newest first."""
    return SHARES.show(visit, await visit.agent.snapshot(), "shares", "/shares/live", {})


async def follow_shares(visit: Visit) -> LiveStream:
    """Keep the list current."""
    return SHARES.follow(visit)


async def show_share(visit: Visit) -> Page:
    """Show one share with its deliveries, files, peers and history.

    Raises:
        NotFound: there is no such share.
    """
    snapshot = await visit.agent.snapshot()
    share = _find(snapshot, visit)
    details = await visit.agent.share_details(share.id)
    values = {"share": share, "details": details}
    return _ONE.only(share.id).show(visit, snapshot, "share", f"{path_of('shares', share.id)}/live", values)


async def follow_share(visit: Visit) -> LiveStream:
    """Keep one share current."""
    return _ONE.only(visit.params["share"]).follow(visit)


async def ask_new_share(visit: Visit) -> Page:
    """Ask what to share, with which recipients; show how much it is."""
    people = await visit.agent.people()
    path = visit.form.text("path") or visit.query.text("path")
    size: PathSize | None = None
    fault: TuishareError | None = None
    if path and not visit.error:
        try:
            size = await visit.agent.measure_path(PathNamed(path=path))
        except TuishareError as error:
            fault = error
    values = {"recipients": list_recipients(people), "path": path, "size": size, "fault": fault}
    return Page("new-share", values)


async def make_share(visit: Visit) -> Moved:
    """Share a file or folder.

    Raises:
        BadInput: a field is missing or malformed.
        TuishareError: from the agent.
    """
    form = visit.form
    recipients = form.every("recipients")
    if not form.text("path"):
        raise BadInput(
            "Nothing is named that is to be shared", hint="Type a path, or choose one by browsing."
        )
    if not recipients:
        raise BadInput("No recipient is selected", hint="Select at least one user or group.")
    new = NewShare(
        path=form.text("path"),
        recipients=recipients,
        transport="plain" if form.selected("plain") else "tls",
        note=form.text("note"),
        not_after=parse_expiry(form.text("until"), visit.now) if form.text("until") else 0,
    )
    share = (await visit.agent.share(new)).id
    return Moved(path_of("shares", share), f"Sharing {new.path} with {', '.join(recipients)}.")


async def ask_share_order(visit: Visit) -> Page:
    """Ask before an action on a share."""
    share = _find(await visit.agent.snapshot(), visit)
    action = _action(visit)
    question = question_about_share(share, action)
    label = describe_action(action).key.label
    return Page(
        "question",
        {
            "heading": question.title if question else f"{label} this share?",
            "name": share.name,
            "facts": [share.path],
            "consequence": question.consequence if question else describe_action(action).help,
            "yes": question.yes if question else label,
            "action": visit.request.rel_url.raw_path,
            "back": path_of("shares", share.id),
        },
    )


async def order_share(visit: Visit) -> Moved:
    """Carry out an action on a share."""
    share, action = ShareId(visit.params["share"]), _action(visit)
    await visit.agent.order_share(share, action)
    ends = describe_action(action).ends
    return Moved("/shares" if ends else path_of("shares", share), announce_action(action, "the share"))


async def ask_revoke(visit: Visit) -> Page:
    """Ask which recipients to revoke."""
    share = _find(await visit.agent.snapshot(), visit)
    holders = [each for each in share.deliveries if each.state is not DeliveryState.REVOKED]
    return Page("revoke", {"share": share, "holders": holders, "does": REVOKE_DOES, "cannot": REVOKE_CANNOT})


async def revoke(visit: Visit) -> Moved:
    """Revoke the selected recipients.

    Raises:
        BadInput: none is selected.
    """
    users = visit.form.every("users")
    if not users:
        raise BadInput("No recipient is selected", hint="Select whom to revoke.")
    for user in users:
        await visit.agent.revoke_from_share(
            ShareId(visit.params["share"]), UserNamed(name=require_member(user))
        )
    return Moved(path_of("shares", visit.params["share"]), f"Revoked: {', '.join(users)}.")


async def show_privacy(visit: Visit) -> Page:
    """Show what a share discloses and to whom."""
    share = _find(await visit.agent.snapshot(), visit)
    proof = await visit.agent.share_proof(share.id)
    return Page("findings", {"heading": f"Privacy of {share.name}", "findings": proof.findings})


def _find(snapshot: Snapshot, visit: Visit) -> Share:
    """Return the share of the path.

    Raises:
        NotFound: there is none.
    """
    for share in snapshot.shares:
        if share.id == visit.params["share"]:
            return share
    raise NotFound("There is no such share", hint="It may have been forgotten meanwhile.")


def _action(visit: Visit) -> ShareAction:
    """Return the action of the path.

    Raises:
        NotFound: there is none.
    """
    try:
        return ShareAction(visit.params["order"])
    except ValueError:
        raise NotFound("There is no such action", hint="Go back, and choose one.") from None
