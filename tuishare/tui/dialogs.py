"""Which dialog opens for which wish of the person.

Owns the list; what a dialog asks is in its screen. A key or a command whose dialog is not in the list is not offered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from tuishare.api.messages import Download, Folder, Share, User

if TYPE_CHECKING:
    from tuishare.tui.app import Dashboard

Subject = Share | Download | User | Folder
"""What a dialog can be about."""

Opener = Callable[["Dashboard", tuple[Subject, ...]], None]
"""Pushes a screen; is given what was marked, or else what the cursor is on, as it was shown then."""

DIALOGS: Final[Mapping[str, Opener]] = {}
"""By wish. The tabs know ``new_share``; ``revoke`` (shares), ``approve`` (one download), ``add_user``, ``change_user``
(one user), ``revoke_user`` (users), ``rotate``, ``add_folder``, ``change_folder`` (one folder) and ``settings``."""
