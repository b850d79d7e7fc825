"""Maps the API's actions on single shares and downloads to the commands that carry them out.

Owns the two tables only.
"""

from __future__ import annotations

from typing import assert_never

from tuishare.agent.downloads.inbox import Inbox
from tuishare.agent.service.views import find_damaged, find_rejected
from tuishare.agent.shares.sharing import Sharing
from tuishare.api.messages import DownloadAction, DownloadId, ShareAction, ShareId
from tuishare.errors import Refused


async def order_share(drops: Sharing, share: ShareId, order: ShareAction) -> None:
    """Carry out an action on a share.

    Raises:
        NotFound: there is no such share.
        Refused: the share does not allow it now.
    """
    commands = drops.commands
    if damaged := find_damaged(drops.repository.damaged, share):
        _require_forget(order is ShareAction.FORGET)
        await drops.repository.drop_damaged(damaged)
        drops.scan_soon()
        return
    match order:
        case ShareAction.PAUSE:
            await commands.pause(share)
        case ShareAction.RESUME:
            await commands.resume(share)
        case ShareAction.AGAIN:
            await commands.share_again(share)
            drops.take_shares()
        case ShareAction.FORGET:
            await commands.forget(share)
        case ShareAction.DELETE:
            await commands.delete(share)
        case _ as never:
            assert_never(never)


async def order_download(inbox: Inbox, download: DownloadId, order: DownloadAction) -> None:
    """Carry out an action on a download.

    Raises:
        NotFound: there is no such download.
        Refused: the download does not allow it in its state.
    """
    commands = inbox.commands
    if damaged := find_damaged(inbox.repository.damaged, download):
        _require_forget(order is DownloadAction.FORGET)
        await inbox.forget_damaged(damaged)
        return
    match order:
        case DownloadAction.PAUSE:
            await commands.pause(download)
        case DownloadAction.RESUME:
            await commands.resume(download)
        case DownloadAction.APPROVE:
            await commands.approve(download)
        case DownloadAction.REJECT:
            await commands.reject(download)
        case DownloadAction.FORGET:
            if not inbox.dismiss(find_rejected(inbox, download)):
                await commands.forget(download)
        case DownloadAction.DELETE:
            await commands.delete(download)
        case _ as never:
            assert_never(never)


def _require_forget(asked: bool) -> None:
    if not asked:
        raise Refused(
            "Its record is damaged, so it can only be forgotten",
            hint="`tuishare forget` removes it for good; the files stay.",
        )
