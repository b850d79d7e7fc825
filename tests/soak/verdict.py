"""The conditions that must hold once the agents have settled."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from tests.soak.entries import History, digest_of, original_name
from tests.soak.keepsakes import Keepsakes
from tests.soak.peer import Peer
from tests.soak.recipients import OWN_PREFIX
from tests.soak.revocations import PREFIX
from tuishare.agent.downloads.files import INCOMING
from tuishare.agent.downloads.rejected_files import REASON_SUFFIX, REJECTED
from tuishare.fs.atomic import TEMPORARY_PREFIX

_REPLAY = "was received before"
"""The one reason to turn an envelope away here: an agent that was killed after it had published one does it again."""


@dataclass(frozen=True, slots=True)
class Direction:
    """Everything that one person sends to the other."""

    sender: Peer
    pipeline: Peer
    history: History
    keepsakes: Keepsakes
    may_repeat: bool
    """Whether an envelope may be brought twice: a carrier does not know what was taken before."""

    @property
    def _landed(self) -> list[tuple[Path, str, str]]:
        """Path, original name and content of everything delivered."""
        folder = self.pipeline.home.downloads / self.sender.home.name
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
        mine = (OWN_PREFIX, f".{OWN_PREFIX}", PREFIX)  # judged by `Keepsakes` and `Revocations`
        paths = [path for path in paths if not path.name.startswith(mine)]
        return [(path, original_name(path), digest_of(path)) for path in paths]

    def find_missing(self) -> list[str]:
        """Entries that have not arrived as they are now, or did and were then touched by their recipient."""
        arrived = {(name, digest) for _, name, digest in self._landed}
        entries = sorted(self.sender.home.drop.glob("entry*"))
        forms = [(entry.name, digest_of(entry)) for entry in entries]
        sender = self.sender.home.name
        return [
            name
            for name, digest in forms
            if (name, digest) not in arrived and not self.history.was_touched(sender, name, digest)
        ]

    def find_faults(self) -> list[str]:
        """What arrived twice, or never was so, what lies about half done, and what is gone of its recipient's."""
        landed, name = self._landed, self.sender.home.name
        copies: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for path, original, digest in landed:
            form = (name, original, digest)
            if not self.history.was_touched(*form) and not self.history.was_made(*form):
                copies[original, digest].append(path.name)
        faults = [
            f"{original} arrived {len(paths)} times: {', '.join(paths)}"
            for (original, _), paths in copies.items()
            if len(paths) > 1
        ]
        faults += [
            f"{path} was never like that"
            for path, original, digest in landed
            if not self.history.knows(name, original, digest)
        ]
        home = self.pipeline.home
        for folder in (home.downloads, home.downloads / name, home.inbox, home.outbox):
            leftovers = folder.glob(f"{TEMPORARY_PREFIX}*") if folder.is_dir() else ()
            faults += [f"{path} was left behind" for path in leftovers if path.name != INCOMING]
        for note in (home.inbox / REJECTED).glob(f"*{REASON_SUFFIX}"):
            reason = note.read_text()
            if not self.may_repeat or _REPLAY not in reason:
                faults.append(f"{note.name}: {reason}")
        faults += self.keepsakes.find_missing(home.name, home.downloads)
        return [f"{name} to {home.name}: {fault}" for fault in faults]
