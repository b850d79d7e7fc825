"""Startup of an agent: lock and read the home, open engine and store, make all parts and connect them.

The one place where parts are made and subscribed to the events of others. Owns the order of that, and the engine's
settings. Must not do any part's work.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

import msgspec

from tuishare.agent.bandwidth_schedule import BandwidthSchedule
from tuishare.agent.config_reload import ConfigReload
from tuishare.agent.context import Context
from tuishare.agent.database_recovery import replace_damaged
from tuishare.agent.desktop_notifications import DesktopNotifier
from tuishare.agent.downloads.admission import DownloadAdmission
from tuishare.agent.downloads.commands import DownloadCommands
from tuishare.agent.downloads.conflicts import TorrentClaims
from tuishare.agent.downloads.envelope_reader import EnvelopeReader
from tuishare.agent.downloads.files import DownloadFiles
from tuishare.agent.downloads.inbox import DownloadParts, Inbox
from tuishare.agent.downloads.payload_watch import PayloadWatcher
from tuishare.agent.downloads.pipeline import DownloadPipeline, Seeding
from tuishare.agent.downloads.queue import DownloadQueue
from tuishare.agent.downloads.quotas import EnvelopeRateLimit
from tuishare.agent.downloads.rejected_files import REJECTED, RejectedEnvelopes
from tuishare.agent.downloads.repository import DownloadRepository
from tuishare.agent.events import (
    ActivityRecorded,
    ActivitySaved,
    ApprovalEnded,
    DiskStateChanged,
    DownloadDiscarded,
    DownloadsChanged,
    EntryOutdated,
    EnvelopeWithdrawn,
    EventBus,
    SettingsReloaded,
    ShareSealed,
    UserBookRead,
)
from tuishare.agent.folders.folder_monitor import FolderMonitor
from tuishare.agent.link.link_service import LinkService
from tuishare.agent.link.outbox_upkeep import OutboxUpkeep
from tuishare.agent.live import Live
from tuishare.agent.network.overload import OverloadMonitor
from tuishare.agent.network.peer_origins import PeerOrigins
from tuishare.agent.network.port_watch import PortWatch
from tuishare.agent.network.reachability import AddressWatch
from tuishare.agent.network.tracker_service import TrackerService
from tuishare.agent.service.agent_service import LocalAgentService, ServiceParts
from tuishare.agent.service.command_runner import CommandRunner
from tuishare.agent.service.details_service import DetailsService
from tuishare.agent.service.free_space import FreeSpace
from tuishare.agent.service.introduction_service import IntroductionService
from tuishare.agent.service.invitation_service import InvitationService
from tuishare.agent.service.path_service import PathService
from tuishare.agent.service.receipt_service import ReceiptService
from tuishare.agent.service.settings_service import SettingsService
from tuishare.agent.service.state_view import StateView
from tuishare.agent.service.status_view import StatusParts, StatusView
from tuishare.agent.service.user_service import UserService
from tuishare.agent.shares.admission import ShareAdmission
from tuishare.agent.shares.commands import ShareCommands
from tuishare.agent.shares.deliveries import Deliveries
from tuishare.agent.shares.entry_handlers import HandlerNeeds
from tuishare.agent.shares.outbox import Outbox
from tuishare.agent.shares.pipeline import SharePipeline, ShareSealer
from tuishare.agent.shares.queue import ShareQueue
from tuishare.agent.shares.recheck import CorruptionReports, Rechecker
from tuishare.agent.shares.reconcile import Reissuer, SettingsReconciler
from tuishare.agent.shares.repository import ShareRepository
from tuishare.agent.shares.sharing import ShareParts, Sharing
from tuishare.agent.startup_link import make_link, make_outbox_upkeep
from tuishare.agent.state.store import Store
from tuishare.agent.webhook import Webhook
from tuishare.api.home_files import HomeFiles
from tuishare.config.model import Config, load_config
from tuishare.core.home_lock import HomeLock
from tuishare.core.own_addresses import check_addresses
from tuishare.errors import from_os_error
from tuishare.fs.atomic import sweep
from tuishare.home_paths import Places
from tuishare.net.caller_addresses import CallerAddresses
from tuishare.people import Identity, load_or_create_identity
from tuishare.swarm import Engine, EngineSettings
from tuishare.tracker import PeerAnnounced, load_certificate


async def open_home(places: Places, stack: contextlib.AsyncExitStack) -> Context:
    """Lock the home, read its files and open the engine; the stack closes all of it, and the store.

    Raises:
        BadConfiguration: settings or identity are not usable.
        SystemFailed: another agent runs, or a port or folder is not usable.
    """
    places.prepare()
    lock = HomeLock(places.lock_file)
    lock.acquire()
    stack.callback(lock.release)
    events = EventBus()
    store = Store(places.store_file, events)
    stack.push_async_callback(store.close)
    # Missing files are made, which a full disk delays and does not prevent.
    config, identity = await store.disk_retry.retry_until_written(
        lambda: asyncio.to_thread(_read_home, places)
    )
    # Opened before the engine and closed after it: the engine announces to its trackers that it stops.
    callers = CallerAddresses()
    tracker = await stack.enter_async_context(
        TrackerService.running(config, places, events, callers.origin_of)
    )
    engine = await Engine.start(_engine_settings(config))
    stack.push_async_callback(engine.close)
    if config.network.port_mapping:
        for port in tracker.ports:
            await engine.map_port(port)
    opened = Live(config), places, Live(identity), store, engine, lock
    return Context(*opened, events=events, tracker=tracker, callers=callers)


@dataclass(frozen=True, slots=True)
class AgentParts:
    """All parts of one agent, connected by its events.

    Attributes:
        stopping: set when the agent is to stop.
    """

    context: Context
    sharing: Sharing
    inbox: Inbox
    inbox_monitor: FolderMonitor[int]
    bandwidth: BandwidthSchedule
    overload: OverloadMonitor
    ports: PortWatch
    free_space: FreeSpace
    notifier: DesktopNotifier
    webhook: Webhook
    config_reload: ConfigReload
    runner: CommandRunner
    users: UserService
    view: StateView
    service: LocalAgentService
    link: LinkService
    upkeep: OutboxUpkeep
    stopping: asyncio.Event


def make_parts(context: Context) -> AgentParts:
    """Make the parts of an agent and connect them."""
    config, stopping = context.settings, asyncio.Event()
    folders = config.current.folders
    sharing, inbox = make_sharing(context), make_inbox(context)
    config_reload, runner = make_config_reload(context), CommandRunner(context.store.disk_retry)
    link = make_link(
        *(context, sharing.repository, inbox.repository),
        seal=sharing.seal,
        edit_users=lambda change: config_reload.edit(lambda: context.users.edit(change)),
    )
    link.subscribe()
    upkeep = make_outbox_upkeep(
        *(context, sharing.repository.shares, sharing.repository.deliveries, link.handovers),
        connect_outbox(context),
    )
    upkeep.subscribe()
    overload, free_space = OverloadMonitor(context.engine, context.clock.now), FreeSpace(config)
    ports = PortWatch.of_agent(context.engine, context.tracker, context.changed, context.clock)
    status = make_status_view(
        *(context, sharing, link, free_space),
        config_reload=config_reload,
        overload=overload,
        inbox=inbox,
        ports=ports,
    )
    served = make_service_parts(
        *(context, status, sharing, inbox, link), runner=runner, config_reload=config_reload
    )
    parts = AgentParts(
        context=context,
        sharing=sharing,
        inbox=inbox,
        inbox_monitor=make_inbox_monitor(context, inbox),
        bandwidth=BandwidthSchedule(config, context.engine, context.clock),
        overload=overload,
        ports=ports,
        free_space=free_space,
        notifier=DesktopNotifier(
            lambda: config.current.notifications.desktop, (folders.downloads_path, folders.inbox_path)
        ),
        webhook=Webhook(
            lambda: config.current.notifications,
            lambda: config.current.name,
            config.current.network.outgoing_proxy,
        ),
        config_reload=config_reload,
        runner=runner,
        users=served.users,
        view=served.view,
        link=link,
        service=LocalAgentService(
            *(served, sharing, inbox, runner), activity=context.activity, stop=stopping.set
        ),
        upkeep=upkeep,
        stopping=stopping,
    )
    _connect(parts)
    return parts


def make_status_view(
    context: Context,
    sharing: Sharing,
    link: LinkService,
    free_space: FreeSpace,
    *,
    config_reload: ConfigReload,
    overload: OverloadMonitor,
    inbox: Inbox,
    ports: PortWatch,
) -> StatusView:
    """Make the view of the agent itself, with the problems of all parts."""
    return StatusView(
        StatusParts(context.engine, context.tracker, sharing, link, free_space),
        settings=context.settings,
        identity=context.identity,
        clock=context.clock,
        problems=(
            lambda: context.store.disk_retry.problems,
            lambda: context.outbox_retry.problems,
            lambda: context.problems,
            lambda: ports.problems,
            lambda: config_reload.problems,
            lambda: sharing.corruption_reports.problems,
            lambda: overload.problems,
            lambda: inbox.problems,
            lambda: link.problems,
        ),
    )


def make_service_parts(
    context: Context,
    status: StatusView,
    sharing: Sharing,
    inbox: Inbox,
    link: LinkService,
    *,
    runner: CommandRunner,
    config_reload: ConfigReload,
) -> ServiceParts:
    """Make the parts that answer the API."""
    settings, activity, changed = context.settings, context.activity, context.changed
    files = HomeFiles(context.places, lambda: context.identity.current.signer)
    users = UserService(
        *(files, sharing, runner, config_reload),
        settings=settings,
        identity=context.identity,
        activity=activity,
        changed=changed,
    )
    return ServiceParts(
        view=StateView(
            *(status, sharing, inbox, users, link), engine=context.engine, activity=activity, changed=changed
        ),
        users=users,
        invitations=InvitationService(link, users.find_signer, users.revoke_user, users.remove_user),
        introductions=IntroductionService(link, users.view),
        receipts=ReceiptService(link.handovers, sharing.repository.shares),
        settings=SettingsService(files, config_reload),
        paths=PathService(),
        details=DetailsService(
            *(sharing, inbox, context.engine, context.tracker),
            PeerOrigins(context.callers, context.hub_hosts),
            settings=settings,
            activity=activity,
            clock=context.clock,
        ),
    )


def make_share_parts(context: Context) -> ShareParts:
    """Make the parts of the room of shares."""
    settings, store, engine, tracker = context.settings, context.store, context.engine, context.tracker
    events, activity, changed, clock = context.events, context.activity, context.changed, context.clock
    deliveries = Deliveries(store, engine, tracker, activity=activity, changed=changed, clock=clock)
    addresses = AddressWatch(
        *(lambda: settings.current.network, engine, clock.now), lambda: context.reach.current.swarm
    )
    repository = ShareRepository(
        *(deliveries, addresses, store, engine, tracker), settings=settings, events=events, changed=changed
    )
    sealer = ShareSealer(
        *(settings, context.identity, context.users, engine, tracker, clock),
        address_record=context.address_record,
        reach=context.reach,
    )
    pipeline = SharePipeline(
        *(repository, sealer, context.users), events=events, activity=activity, changed=changed, clock=clock
    )
    queue = ShareQueue(repository, pipeline, events=events, changed=changed, clock=clock)
    commands = ShareCommands(repository, queue, tracker, settings=settings, activity=activity, clock=clock)
    return ShareParts(
        repository=repository,
        queue=queue,
        admission=ShareAdmission(repository, queue, clock),
        commands=commands,
        rechecker=Rechecker(repository, queue, events),
        corruption_reports=CorruptionReports(
            repository, queue, activity=activity, changed=changed, clock=clock
        ),
        reissuer=Reissuer(repository, commands, context.places.identity_file, clock),
        reconciler=SettingsReconciler(repository, queue, commands, settings=settings, clock=clock),
        sealer=sealer,
    )


def make_sharing(context: Context) -> Sharing:
    """Make all that is shared, with its folders."""
    parts = make_share_parts(context)
    needs = HandlerNeeds(
        admission=parts.admission,
        commands=parts.commands,
        rechecker=parts.rechecker,
        settings=context.settings,
        activity=context.activity,
        changed=context.changed,
        clock=context.clock,
    )
    return Sharing(parts, needs, users=context.users, places=context.places, engine=context.engine)


def make_download_parts(context: Context) -> DownloadParts:
    """Make the parts of the room of downloads."""
    settings, store, engine, tracker = context.settings, context.store, context.engine, context.tracker
    activity, clock, config = context.activity, context.clock, context.settings.current
    files = DownloadFiles(config.folders, reserve=config.downloads.reserve_bytes)
    repository = DownloadRepository(
        *(store, engine, tracker),
        settings=settings,
        events=context.events,
        activity=activity,
        changed=context.changed,
        hub_hosts=context.hub_hosts,
    )
    pipeline = DownloadPipeline(
        *(repository, files), store=store, engine=engine, tracker=tracker, activity=activity, clock=clock
    )
    claims = TorrentClaims(repository, store)
    seeding = Seeding(repository, claims, store=store, engine=engine, settings=settings, clock=clock)
    queue = DownloadQueue(
        *(repository, files, pipeline, claims, seeding), engine=engine, settings=settings, activity=activity
    )
    admission = DownloadAdmission(
        *(repository, files, queue),
        store=store,
        tracker=tracker,
        settings=settings,
        activity=activity,
        clock=clock,
    )
    return DownloadParts(
        repository=repository,
        queue=queue,
        admission=admission,
        commands=DownloadCommands(repository, queue, admission, files, context.events),
        payload_watcher=PayloadWatcher(repository, queue, settings),
        reader=EnvelopeReader(settings, context.identity, context.users, clock),
        rejected=RejectedEnvelopes(config.folders.inbox_path, settings, activity, clock),
        rate_limit=EnvelopeRateLimit(
            lambda: settings.current.inbox.envelopes_per_minute,
            lambda name: context.events.publish(EntryOutdated(config.folders.inbox_path / name)),
        ),
    )


def make_inbox(context: Context) -> Inbox:
    """Make the inbox, with all that is downloaded."""
    return Inbox(
        make_download_parts(context),
        settings=context.settings,
        users=context.users,
        activity=context.activity,
        changed=context.changed,
        clock=context.clock,
        events=context.events,
    )


def make_inbox_monitor(context: Context, inbox: Inbox) -> FolderMonitor[int]:
    """Make the monitor of the inbox folder."""
    config = context.settings.current
    # No time to settle after a file is closed: an envelope that is half written is looked at again.
    settle = msgspec.structs.replace(config.settle, after_close=0.0)
    return FolderMonitor(config.folders.inbox_path, settle, inbox)


def make_config_reload(context: Context) -> ConfigReload:
    """Make the part that keeps the settings in step with their files."""
    return ConfigReload(
        *(context.places, context.settings, context.identity, context.users),
        events=context.events,
        changed=context.changed,
        clock=context.clock,
    )


def connect_outbox(context: Context) -> Outbox:
    """Publish envelopes in the outbox when shares are sealed, and remove them when they are withdrawn."""
    outbox = Outbox(context.settings, context.outbox_retry)
    context.events.subscribe_async(ShareSealed, outbox.on_sealed)
    context.events.subscribe_async(EnvelopeWithdrawn, outbox.on_withdrawn)
    return outbox


def _post(parts: AgentParts, event: ActivityRecorded) -> None:
    if parts.context.settings.current.notifications.webhook:
        parts.webhook.notify(event.entry)


def _connect(parts: AgentParts) -> None:
    """Subscribe the parts to each other's events."""
    events, changed = parts.context.events, parts.context.changed
    events.subscribe(ActivityRecorded, lambda event: parts.notifier.notify(event.entry))
    events.subscribe(ActivityRecorded, lambda event: _post(parts, event))
    events.subscribe(ActivitySaved, lambda _: changed.notify())
    events.subscribe(ApprovalEnded, lambda _: parts.inbox.use_room())
    events.subscribe(DiskStateChanged, lambda _: changed.notify())
    events.subscribe_async(DownloadDiscarded, parts.inbox.on_discarded)
    events.subscribe(DownloadsChanged, lambda _: parts.inbox.payload_watcher.on_downloads_changed())
    events.subscribe(EntryOutdated, lambda event: parts.sharing.rescan(event.path))
    events.subscribe(EntryOutdated, lambda event: parts.inbox_monitor.rescan_path(event.path))
    events.subscribe(PeerAnnounced, parts.sharing.on_announce)
    events.subscribe(SettingsReloaded, lambda _: parts.bandwidth.take_settings())
    events.subscribe(SettingsReloaded, lambda _: parts.sharing.take_settings())
    events.subscribe(SettingsReloaded, lambda _: parts.sharing.scan_soon())
    events.subscribe(SettingsReloaded, lambda _: parts.inbox_monitor.scan_soon())
    events.subscribe(SettingsReloaded, lambda _: parts.inbox.use_room())
    events.subscribe(UserBookRead, lambda event: parts.users.take(event.book))


def _read_home(places: Places) -> tuple[Config, Identity]:
    config = load_config(places)
    check_addresses(config, places)
    _make_folders(config)
    if config.tracker.listen:
        load_certificate(places.tracker_file)
    return config, load_or_create_identity(places.identity_file)


async def open_store(context: Context) -> None:
    """Open the database as soon as the disk allows it; replace a damaged one, and show that as a problem.

    Raises:
        BadConfiguration: it is from a newer version.
        SystemFailed: it cannot be used.
    """
    store = context.store
    context.problems = await store.disk_retry.retry_until_written(
        lambda: asyncio.to_thread(
            replace_damaged,
            *(context.places, context.settings.current, context.identity.current, context.clock()),
        )
    )
    await store.open()


def _engine_settings(config: Config) -> EngineSettings:
    return EngineSettings(
        listen_tls=config.network.listen,
        listen_plain=config.network.listen_plain or None,
        force_mse=config.network.force_mse,
        port_mapping=config.network.port_mapping,
        proxy=config.network.outgoing_proxy,
        keep_trying=True,
    )


def _make_folders(config: Config) -> None:
    """Create our own folders; a missing drop folder may be on a disk that is not mounted, so it is not created."""
    folders = config.folders
    for folder in (folders.inbox_path, folders.outbox_path, folders.downloads_path):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise from_os_error(error, f"make the folder {folder}") from error
    for folder in (folders.inbox_path / REJECTED, folders.outbox_path):
        with contextlib.suppress(OSError):  # leftovers do no harm
            sweep(folder)
