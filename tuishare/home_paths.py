"""Paths of a home's folders and files, by the XDG base directory specification or below ``TUISHARE_HOME``.

Owns the paths. Must not know what files hold.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from tuishare.errors import BadConfiguration
from tuishare.fs.atomic import make_private, require_text

HOME_VARIABLE = "TUISHARE_HOME"
_SET: Final = f"Set HOME or {HOME_VARIABLE} to a folder of yours."
_SOCKET_PATH_LIMIT = 107  # sun_path is 108 bytes with its NUL, unix(7)


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one home; see the properties for the files in them."""

    config: Path
    state: Path
    runtime: Path
    files: Path

    @property
    def config_file(self) -> Path:
        """The user's settings, never rewritten silently."""
        return self.config / "config.toml"

    @property
    def users_file(self) -> Path:
        """Users and their keys, mode 0600."""
        return self.config / "users.toml"

    @property
    def identity_file(self) -> Path:
        """This agent's private keys, mode 0600."""
        return self.config / "identity.key"

    @property
    def link_key_file(self) -> Path:
        """The key of this agent's links, mode 0600."""
        return self.config / "link.key"

    @property
    def reach_key_file(self) -> Path:
        """The key by which this agent logs in to an SSH server that makes it reachable, mode 0600."""
        return self.config / "reach.key"

    @property
    def mailbox_file(self) -> Path:
        """The hub of this agent and the write key of its mailbox, mode 0600."""
        return self.config / "mailbox.json"

    @property
    def link_outgoing(self) -> Path:
        """Copies of the envelopes that links have yet to hand over; private."""
        return self.state / "link" / "outgoing"

    @property
    def link_incoming(self) -> Path:
        """Envelopes that came by link and are not in the inbox yet; private."""
        return self.state / "link" / "incoming"

    @property
    def tracker_file(self) -> Path:
        """Key and certificate of this agent's tracker, mode 0600."""
        return self.config / "tracker.pem"

    @property
    def store_file(self) -> Path:
        """The SQLite database."""
        return self.state / "tuishare.db"

    @property
    def web_database_file(self) -> Path:
        """Accounts and sessions of the web page, mode 0600."""
        return self.state / "web.db"

    @property
    def web_lock_file(self) -> Path:
        """Locked by the one web page of this home; holds its address."""
        return self.state / "web.lock"

    @property
    def first_run_file(self) -> Path:
        """Exists once the dashboard has shown the first-run screen."""
        return self.state / "greeted"

    @property
    def lock_file(self) -> Path:
        """Locked by the one agent of this home."""
        return self.state / "agent.lock"

    @property
    def log_file(self) -> Path:
        """The log of an agent that the dashboard started."""
        return self.state / "agent.log"

    @property
    def socket(self) -> Path:
        """The socket of the agent's API.

        Raises:
            BadConfiguration: the path is too long for a Unix socket address.
        """
        path = self.runtime / "tuishare.sock"
        if len(os.fsencode(path)) > _SOCKET_PATH_LIMIT:
            raise BadConfiguration(
                f"The socket path {path} is longer than {_SOCKET_PATH_LIMIT} bytes",
                hint=f"Choose a shorter {HOME_VARIABLE} or XDG_RUNTIME_DIR.",
            )
        return path

    @property
    def spare_socket(self) -> Path:
        """The socket where the other one cannot be, as after a logout, when ``XDG_RUNTIME_DIR`` is removed."""
        return self.state / "run" / "tuishare.sock"

    def prepare(self) -> None:
        """Create the private folders, mode 0700.

        Raises:
            SystemFailed: a folder cannot be created.
        """
        for folder in (self.config, self.state, self.runtime):
            make_private(folder)


def find_places(environment: Mapping[str, str] | None = None) -> Places:
    """Return the places of this home, from the environment; nothing is created.

    Raises:
        BadInput: a path is not UTF-8.
        BadConfiguration: no home folder is known, or we are root and it belongs to another user.
    """
    environment = os.environ if environment is None else environment
    if home := environment.get(HOME_VARIABLE):
        root = Path(os.path.expanduser(home))
        if home.startswith("~") and not root.is_absolute():
            raise BadConfiguration(f"{HOME_VARIABLE} is {home}, a home folder that is not known", hint=_SET)
        root = root.absolute()
        require_text(root)
        _require_own(root / "config")
        return Places(root / "config", root / "state", root / "run", root)
    _require_own(home_folder := find_home_folder())
    require_text(home_folder)
    state = platformdirs.user_state_path("tuishare")
    runtime = environment.get("XDG_RUNTIME_DIR")
    return Places(
        config=platformdirs.user_config_path("tuishare"),
        state=state,
        runtime=Path(runtime) if runtime else state / "run",
        files=home_folder / "tuishare",
    )


def find_home_folder() -> Path:
    """Return the user's home folder, from HOME or the list of users (passwd).

    Raises:
        BadConfiguration: neither knows one, as in a container.
    """
    folder = os.path.expanduser("~")
    if os.environ.get("HOME") == "" or not os.path.isabs(folder):
        raise BadConfiguration("No home folder is known: HOME is not set to a folder", hint=_SET)
    return Path(folder)


def _require_own(folder: Path) -> None:
    """Refuse to write as root into the home of another user, who could not read it any more; ``sudo`` may keep HOME."""
    try:
        owner = folder.stat().st_uid
    except OSError:
        return
    if os.geteuid() == 0 != owner:
        raise BadConfiguration(
            f"{folder} belongs to another user (uid {owner}), and you are root",
            hint=f"Run it as that user: sudo -u '#{owner}' tuishare …, or set {HOME_VARIABLE} to a folder of root.",
        )
