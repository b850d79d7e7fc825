"""The resources of one running agent, opened and owned by `tuishare.agent.startup`.

Parts get what they need of them through their constructors. Only `tuishare.agent.startup` and
`tuishare.agent.startup_link`, which make the parts, and `tuishare.agent.daemon`, which runs them, know this module.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tuishare.agent.events import ChangeSignal, EventBus
from tuishare.agent.live import Live, UserBookFile
from tuishare.agent.network.reach_client import ReachAddresses
from tuishare.agent.network.tracker_service import TrackerService
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.agent.state.disk_retry import DiskRetry
from tuishare.agent.state.store import Store
from tuishare.config.model import Config
from tuishare.core.clock import Clock
from tuishare.core.home_lock import HomeLock
from tuishare.core.problems import Problem
from tuishare.home_paths import Places
from tuishare.net.caller_addresses import CallerAddresses
from tuishare.people import Identity
from tuishare.swarm import Engine


@dataclass(slots=True)
class Context:
    """The resources of one running agent.

    Attributes:
        settings: those in force; `tuishare.agent.config_reload` alone replaces them.
        identity: the keys in force; a rotation replaces them.
        changed: is notified of every change that clients can see.
        clock: for display and certificates, never for measuring durations.
        events: carries the events inside the agent.
        problems: those found when the home was opened.
        tracker: our tracker, and access to those of other senders.
        users: the user book.
        activity: the activity log.
        address_record: ours, signed, as it goes into envelopes; empty while no link leads to this agent.
        reach: where we are reachable by hub.
        callers: who is behind the loopback addresses of connections that come by hub.
        hub_hosts: where the hubs of others are, by their address records.
        lock: on the home; names the socket of the API.
        outbox_retry: retries writes while the disk of the outbox refuses them.
    """

    settings: Live[Config]
    places: Places
    identity: Live[Identity]
    store: Store
    engine: Engine
    lock: HomeLock
    changed: ChangeSignal = field(default_factory=ChangeSignal)
    clock: Clock = field(default_factory=Clock)
    events: EventBus = field(default_factory=EventBus)
    problems: tuple[Problem, ...] = ()
    tracker: TrackerService = field(default_factory=TrackerService)
    users: UserBookFile = field(init=False)
    address_record: Live[bytes] = field(default_factory=lambda: Live(b""))
    reach: Live[ReachAddresses] = field(default_factory=lambda: Live(ReachAddresses()))
    callers: CallerAddresses = field(default_factory=CallerAddresses)
    hub_hosts: Live[frozenset[str]] = field(default_factory=lambda: Live(frozenset()))
    activity: ActivityLog = field(init=False)
    outbox_retry: DiskRetry = field(init=False)

    def __post_init__(self) -> None:
        self.users = UserBookFile(self.places.users_file)
        self.activity = ActivityLog(self.store, self.clock.now, self.events)
        self.outbox_retry = DiskRetry(self.settings.current.folders.outbox_path, self.events)
