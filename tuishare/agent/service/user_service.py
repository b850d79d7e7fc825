"""The operations on users and on the agent's own card.

Owns what follows from a change: it takes effect at once, and affected shares are sealed again. Must not validate user
books: `tuishare.people` does; the files are those of `tuishare.api.home_files`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import msgspec

from tuishare.agent.config_reload import ConfigReload
from tuishare.agent.events import ChangeSignal
from tuishare.agent.live import Live
from tuishare.agent.service.command_runner import CommandRunner
from tuishare.agent.shares.sharing import Sharing
from tuishare.agent.state.activity_log import ActivityLog
from tuishare.api.home_files import HomeFiles, describe_people, describe_user
from tuishare.api.messages import (
    Accepted,
    CardInfo,
    CardText,
    NewUser,
    People,
    User,
    UserAdded,
    UserChange,
    UserNamed,
)
from tuishare.config.model import Config
from tuishare.core.activity import ActivityKind
from tuishare.core.records import ShareStep
from tuishare.people import Identity, UserBook

_T = TypeVar("_T")


class UserService:
    """Implements the part of `tuishare.api.service.AgentService` about people.

    Args:
        files: the user book and the identity on disk.
        sharing: the shares for the users.
        runner: runs the commands that are recorded on disk.
        config_reload: puts a changed user book in force.
        settings: names the agent.
        identity: the keys in force; a rotation replaces them.
        activity: where changes of keys are logged.
        changed: is notified of a rotation.
    """

    def __init__(
        self,
        files: HomeFiles,
        sharing: Sharing,
        runner: CommandRunner,
        config_reload: ConfigReload,
        *,
        settings: Live[Config],
        identity: Live[Identity],
        activity: ActivityLog,
        changed: ChangeSignal,
    ) -> None:
        self._files = files
        self._runner = runner
        self._config_reload = config_reload
        self._settings = settings
        self._identity = identity
        self._activity = activity
        self._changed = changed
        self._repository = sharing.repository
        self._deliveries = sharing.repository.deliveries
        self._commands = sharing.commands
        self._reissuer = sharing.reissuer
        self._users: tuple[User, ...] = ()
        self._signers: dict[bytes, User] = {}

    def take(self, book: UserBook) -> None:
        """Show the users of this book from now on."""
        self._users = tuple(map(describe_user, book))
        self._signers = {
            card.signer: shown
            for user, shown in zip(book, self._users, strict=True)
            for card in (user.card, *user.former)
            if card is not None
        }

    def find_signer(self, signer: bytes) -> User | None:
        """Return the user of an Ed25519 public key, previous cards included; None: no known user."""
        return self._signers.get(signer)

    def view(self) -> People:
        """Return the users and the agent's own card, from memory."""
        users = tuple(map(self._count, self._users))
        return describe_people(self._identity.current, self._settings.current, users)

    async def people(self) -> People:
        users = await asyncio.to_thread(self._files.users)
        return msgspec.structs.replace(self.view(), users=tuple(map(self._count, users)))

    async def card_seen(self, card: CardText) -> CardInfo:
        return await asyncio.to_thread(self._files.card_seen, card)

    async def add_user(self, new: NewUser) -> UserAdded:
        return await self._edit(lambda: self._files.add_user(new))

    async def change_user(self, change: UserChange) -> Accepted:
        changed = await self._edit(lambda: self._files.change_user(change))
        if change.card is not None:
            self._reissue(changed.id, "has a new card")
        return changed

    async def remove_user(self, user: UserNamed) -> Accepted:
        return await self._edit(lambda: self._files.remove_user(user))

    async def new_key(self, user: UserNamed) -> UserAdded:
        changed = await self._edit(lambda: self._files.new_key(user))
        self._reissue(changed.name, "has a new key")
        return changed

    async def revoke_user(self, user: UserNamed) -> Accepted:
        await self._runner.run(
            self._commands.revoke_everywhere(user.name), first=self._commands.disconnect_everywhere(user.name)
        )
        return Accepted(id=user.name)

    async def rotate_identity(self) -> Accepted:
        name = self._settings.current.name
        self._identity.current = await asyncio.to_thread(self._files.rotate_identity, name)
        fingerprint = self.view().fingerprint
        self._activity.note(ActivityKind.ROTATED, name, f"has a new card: {fingerprint}")
        self._reissuer.request_all()
        self._changed.notify()
        return Accepted(id=fingerprint)

    async def _edit(self, edit: Callable[[], _T]) -> _T:
        result, _ = await self._config_reload.edit(edit)
        return result

    def _reissue(self, user: str, reason: str) -> None:
        """Seal again what is shared with a user who has another card or key."""
        self._activity.note(ActivityKind.ROTATED, user, reason)
        self._reissuer.request(self._deliveries.shares_of(user))

    def _count(self, user: User) -> User:
        """Add how much of what is shared with a user they have."""
        deliveries = self._deliveries
        rows = [
            deliveries.find(share, user.name)
            for share in deliveries.shares_of(user.name)
            if not self._is_forgotten(share)
        ]
        if not rows:
            return user
        return msgspec.structs.replace(
            user,
            shares=len(rows),
            complete=sum(row.completed > 0 for row in rows),
            seen=max(row.seen for row in rows),
        )

    def _is_forgotten(self, share: str) -> bool:
        """Whether a share is known only so that its drop folder does not share it again."""
        record = self._repository.shares.get(share)
        return record is not None and record.step is ShareStep.FORGOTTEN
