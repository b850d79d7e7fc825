"""The state of the whole agent at one moment: status, shares, downloads, people, activity.

Owns which part of the agent each fact comes from. Answers at once, from memory. Must not change anything.
"""

from __future__ import annotations

import msgspec

from tuishare.agent.downloads.inbox import Inbox
from tuishare.agent.events import ChangeSignal
from tuishare.agent.link.link_service import LinkService
from tuishare.agent.service.introduction_service import with_pending
from tuishare.agent.service.link_views import (
    view_links,
    with_envelope,
    with_handovers,
    with_senders,
)
from tuishare.agent.service.status_view import StatusView
from tuishare.agent.service.user_service import UserService
from tuishare.agent.service.views import view_activity, view_downloads, view_shares
from tuishare.agent.shares.sharing import Sharing
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.api.messages import Download, Link, Share, Snapshot, Status
from tuishare.core.records import ShareStep
from tuishare.swarm import Engine


class StateView:
    """The state of one agent as clients see it."""

    def __init__(
        self,
        status: StatusView,
        sharing: Sharing,
        inbox: Inbox,
        users: UserService,
        link: LinkService,
        *,
        engine: Engine,
        activity: ActivityLog,
        changed: ChangeSignal,
    ) -> None:
        self._status = status
        self._sharing = sharing
        self._inbox = inbox
        self._users = users
        self._link = link
        self._engine = engine
        self._activity = activity
        self._changed = changed

    def status(self) -> Status:
        """Return the state of the agent itself."""
        return msgspec.structs.replace(self._status.status(), inbox_others=len(self._inbox.others))

    def shares(self) -> list[Share]:
        """List what is published, oldest first."""
        shares = view_shares(self._sharing, self._engine.all_progress())
        outbox = self._status.outbox
        return [
            with_envelope(share, self._envelope_of(share), outbox)
            for share in with_handovers(shares, self._link)
        ]

    def _envelope_of(self, share: Share) -> str:
        """Return the name of the file in the outbox; empty while there is none."""
        record = self._sharing.repository.shares.get(share.id)
        return record.envelope if record is not None and record.step is ShareStep.SEEDING else ""

    def links(self) -> list[Link]:
        """List the links to verified users."""
        return view_links(self._link)

    def downloads(self) -> list[Download]:
        """List what is received, oldest first."""
        downloads = view_downloads(self._inbox, self._engine.all_progress(), self._users.find_signer)
        return with_senders(downloads, self._link)

    def snapshot(self) -> Snapshot:
        """Return all of it, as of one moment."""
        return Snapshot(
            status=self.status(),
            shares=tuple(self.shares()),
            downloads=tuple(self.downloads()),
            people=with_pending(self._users.view(), self._link),
            links=tuple(self.links()),
            activity=tuple(map(view_activity, self._activity.recent)),
        )

    def changes(self) -> ChangeSignal:
        """Return the signal that is sent whenever one of the answers above would differ."""
        return self._changed
