"""The buttons of a share or download: what it offers now, and what is asked about first.

Owns their list, made from the table of actions. Approving has a page of its own.
"""

from __future__ import annotations

from tuishare.api.messages import Download, DownloadAction, Share, ShareAction
from tuishare.presentation.actions import describe_action, download_actions, share_actions
from tuishare.presentation.consequences import question_about_download, question_about_share


def offer_for_share(share: Share) -> list[tuple[ShareAction, str, bool]]:
    """Return what a share offers: action, label, and whether it is asked about before."""
    return [
        (action, describe_action(action).key.label, question_about_share(share, action) is not None)
        for action in share_actions(share)
    ]


def offer_for_download(item: Download) -> list[tuple[DownloadAction, str, bool]]:
    """Return what a download offers: action, label, and whether it is asked about before."""
    return [
        (action, describe_action(action).key.label, question_about_download(item, action) is not None)
        for action in download_actions(item)
        if action is not DownloadAction.APPROVE
    ]
