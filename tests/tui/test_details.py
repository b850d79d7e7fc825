from __future__ import annotations

import msgspec

from tests.api.samples import DOWNLOAD, SHARE
from tuishare.api.messages import Delivery, DeliveryState, DownloadState, ShareState
from tuishare.tui.details import describe_download, describe_share

HOSTILE = "\x1b[2Jevil\u202egnp[red]\nexe"


def test_a_share_is_told_in_full() -> None:
    text = describe_share(SHARE, 110).plain
    assert text.splitlines()[0] == "dailies-11-21  gen 2 · 1,204 files · 38.2 GB · TLS swarm"
    assert "● seeding   ▲ 11.9 MB/s · 3 peers · 96.4 GB sent · ratio 2.5" in text
    assert "@crew" in text
    assert SHARE.path in text
    assert "50 %   downloading" in text


def test_a_plain_swarm_says_that_it_is_not_encrypted() -> None:
    plain = msgspec.structs.replace(SHARE, transport="plain")
    assert "plain swarm, not encrypted" in describe_share(plain, 110).plain


def test_a_problem_stands_with_its_remedy() -> None:
    share = msgspec.structs.replace(
        SHARE, state=ShareState.PROBLEM, detail="Changed on disk", hint="Drop it again"
    )
    lines = describe_share(share, 76).plain.splitlines()
    assert lines[1].startswith("! problem")
    assert lines[2:4] == ["Changed on disk", "→ Drop it again"]


def test_a_revoked_recipient_has_no_bar() -> None:
    gone = Delivery(user="frank", state=DeliveryState.REVOKED, progress=0.12)
    last = describe_share(msgspec.structs.replace(SHARE, deliveries=(gone,)), 76).plain.splitlines()[-1]
    assert last == "frank       revoked · had 12 %"


def test_an_empty_share_has_no_ratio() -> None:
    assert "ratio" not in describe_share(msgspec.structs.replace(SHARE, size=0), 76).plain


def test_a_download_is_told_in_full() -> None:
    text = describe_download(DOWNLOAD, 110).plain
    assert "contract-v3.pdf  1 file · 1.2 MB" in text
    assert "1 min left" in text
    assert "43 %" in text
    done = msgspec.structs.replace(DOWNLOAD, state=DownloadState.COMPLETE, progress=1.0)
    assert "left" not in describe_download(done, 110).plain


def test_nothing_foreign_reaches_the_terminal_as_it_is() -> None:
    share = msgspec.structs.replace(
        SHARE,
        name=HOSTILE,
        path=HOSTILE,
        recipients=(HOSTILE,),
        detail=HOSTILE,
        hint=HOSTILE,
        transport=HOSTILE,
        deliveries=tuple(Delivery(user=HOSTILE, state=state, progress=0.5) for state in DeliveryState),
    )
    download = msgspec.structs.replace(
        DOWNLOAD, name=HOSTILE, path=HOSTILE, sender=HOSTILE, detail=HOSTILE, hint=HOSTILE
    )
    for text, lines in ((describe_share(share, 76).plain, 10), (describe_download(download, 76).plain, 7)):
        assert len(text.split("\n")) == lines
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "[red]" in text
