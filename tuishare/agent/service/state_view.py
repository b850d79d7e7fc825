"""The state of the whole agent at one moment: status, shares, downloads, people, activity.

Owns which part of the agent each fact comes from. Answers at once, from memory. Must not change anything.
"""

from __future__ import annotations

import os

import tuishare
from tuishare.agent.config_reload import ConfigReload
from tuishare.agent.context import Context
from tuishare.agent.downloads.inbox import Inbox
from tuishare.agent.events import ChangeSignal
from tuishare.agent.link.link_service import LinkService
from tuishare.agent.network.overload import OverloadMonitor
from tuishare.agent.network.reachability import find_problems, find_public_address, is_reachable
from tuishare.agent.service.link_views import view_links, with_handovers
from tuishare.agent.service.user_service import UserService
from tuishare.agent.service.views import (
    free_space,
    view_activity,
    view_downloads,
    view_folder,
    view_problem,
    view_shares,
)
from tuishare.agent.shares.sharing import Sharing
from tuishare.agent.shares.unreachable import find_unreachable_shares
from tuishare.api.messages import PROTOCOL, Download, Link, Share, Snapshot, Status
from tuishare.core.problems import Problem


class StateView:
    """The state of one agent as clients see it."""

    def __init__(
        self,
        context: Context,
        sharing: Sharing,
        inbox: Inbox,
        users: UserService,
        config_reload: ConfigReload,
        overload: OverloadMonitor,
        *,
        link: LinkService,
    ) -> None:
        self._context = context
        self._sharing = sharing
        self._inbox = inbox
        self._users = users
        self._config_reload = config_reload
        self._overload = overload
        self._link = link
        self._started = context.clock.now()

    def status(self) -> Status:
        """Return the state of the agent itself."""
        context, config = self._context, self._context.settings.current
        live = context.engine.all_progress().values()
        return Status(
            name=config.name,
            version=tuishare.__version__,
            protocol=PROTOCOL,
            pid=os.getpid(),
            started=self._started,
            now=context.clock.now(),
            listen_tls=context.engine.listening.get("tls"),
            listen_plain=context.engine.listening.get("plain"),
            listen_tracker=context.tracker.port,
            listen_tracker_plain=context.tracker.plain_port,
            listen_link=self._link.port,
            rate_up=sum(progress.rate_up for progress in live),
            rate_down=sum(progress.rate_down for progress in live),
            free_bytes=free_space(config.folders.downloads_path),
            fingerprint=context.identity.current.card(config.name).fingerprint.base32,
            tls_ready="tls" in context.engine.transports,
            no_resumption="tls" in context.engine.transports,  # the engine does not start without that proof
            inbox=config.folders.inbox,
            outbox=config.folders.outbox,
            downloads=config.folders.downloads,
            reachable=is_reachable(config.network, context.engine),
            public_address=find_public_address(config.network, context.engine),
            problems=tuple(map(view_problem, self._problems())),
            drop_folders=tuple(map(view_folder, self._sharing.drop_folders, self._sharing.monitors.values())),
        )

    def shares(self) -> list[Share]:
        """List what is published, oldest first."""
        shares = view_shares(self._sharing, self._context.engine.all_progress())
        return with_handovers(shares, self._link)

    def links(self) -> list[Link]:
        """List the links to verified users."""
        return view_links(self._link)

    def downloads(self) -> list[Download]:
        """List what is received, oldest first."""
        progress = self._context.engine.all_progress()
        return view_downloads(self._inbox, progress, self._users.find_signer)

    def snapshot(self) -> Snapshot:
        """Return all of it, as of one moment."""
        return Snapshot(
            status=self.status(),
            shares=tuple(self.shares()),
            downloads=tuple(self.downloads()),
            people=self._users.view(),
            activity=tuple(map(view_activity, self._context.activity.recent)),
        )

    def changes(self) -> ChangeSignal:
        """Return the signal that is sent whenever one of the answers above would differ."""
        return self._context.changed

    def _problems(self) -> tuple[Problem, ...]:
        context = self._context
        return (
            *context.store.disk_retry.problems,
            *context.outbox_retry.problems,
            *context.problems,
            *self._config_reload.problems,
            *self._sharing.corruption_reports.problems,
            *find_problems(context.settings.current.network, context.engine, self._started),
            *self._overload.problems,
            *self._link.problems,
            *find_unreachable_shares(
                self._sharing.repository,
                other_trackers=bool(context.settings.current.tracker.others),
                now=context.clock.now(),
            ),
        )
