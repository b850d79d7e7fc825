from __future__ import annotations

import re

import msgspec

from tests.api.samples import DOWNLOAD, NOW, SHARE
from tuishare.api.messages import Delivery, DeliveryState, DownloadState, ShareState
from tuishare.tui.describe.transfers import describe_download, describe_share

HOSTILE = "\x1b[2Jevil\u202egnp[red]\nexe"


def test_a_share_is_told_in_full() -> None:
    text = describe_share(SHARE, NOW, 110).plain
    assert text.splitlines()[0] == "dailies-11-21  version 2 · 1,204 files · 38.2 GB · TLS"
    assert "● seeding   ▲ 11.9 MB/s · 3 peers · 96.4 GB sent · ratio 2.5" in text
    assert "@crew" in text
    assert SHARE.path in text
    assert "50 %   " in text


def test_a_plain_swarm_says_that_it_is_not_encrypted() -> None:
    plain = msgspec.structs.replace(SHARE, transport="plain")
    assert "plain, not encrypted" in describe_share(plain, NOW, 110).plain


def test_a_problem_stands_with_its_remedy() -> None:
    share = msgspec.structs.replace(
        SHARE, state=ShareState.PROBLEM, detail="Changed on disk", hint="Drop it again"
    )
    lines = describe_share(share, NOW, 76).plain.splitlines()
    assert lines[1].startswith("! problem")
    assert lines[2:4] == ["Changed on disk", "→ Drop it again"]


def tell(**fields: object) -> str:
    delivery = Delivery(**({"user": "frank", "state": DeliveryState.DOWNLOADING, "progress": 0.61} | fields))  # type: ignore[arg-type]
    lines = describe_share(msgspec.structs.replace(SHARE, deliveries=(delivery,)), NOW, 110).plain
    return next(line for line in lines.splitlines() if line.startswith("frank"))


def test_how_far_each_recipient_is() -> None:
    half_past = NOW - 1800
    assert tell(rate=8_100_000, left=8_100_000 * 250).endswith(" 61 %   8.1 MB/s · 4 min left")
    assert tell(seen=half_past).endswith("waiting · last seen 11:26")
    done = tell(state=DeliveryState.COMPLETE, progress=1.0, completed=half_past)
    assert done.endswith("100 %   complete 11:26")
    assert tell(state=DeliveryState.NOT_OPENED, progress=0.0, sealed=half_past).endswith(
        "not opened yet · sealed 11:26"
    )


def test_a_revoked_recipient_has_no_bar() -> None:
    gone = tell(state=DeliveryState.REVOKED, progress=0.12, revoked=NOW - 86_400 * 3)
    assert re.fullmatch(r"frank        revoked \w{3} \d\d · keeps 12 % already downloaded", gone)


def test_an_end_is_told_and_a_note_is_shown() -> None:
    share = msgspec.structs.replace(SHARE, not_after=NOW + 29 * 86_400, note="for [b]Monday[/b]")
    text = describe_share(share, NOW, 110).plain
    assert "ends in 29 d" in text
    assert "Note      for [b]Monday[/b]" in text
    assert "has ended" in describe_share(share, NOW + 30 * 86_400, 110).plain


def test_a_sender_is_told_with_their_trust() -> None:
    assert "bob  not verified" in describe_download(DOWNLOAD, NOW, 110).plain
    known = msgspec.structs.replace(DOWNLOAD, verified=True, fingerprint="ABCD")
    assert "bob  verified ✓  ABCD" in describe_download(known, NOW, 110).plain


def test_an_empty_share_has_no_ratio() -> None:
    assert "ratio" not in describe_share(msgspec.structs.replace(SHARE, size=0), NOW, 76).plain


def test_a_download_is_told_in_full() -> None:
    text = describe_download(DOWNLOAD, NOW, 110).plain
    assert "contract-v3.pdf  1 file · 1.2 MB" in text
    assert "1 min left" in text
    assert "43 %" in text
    done = msgspec.structs.replace(DOWNLOAD, state=DownloadState.COMPLETE, progress=1.0)
    assert "left" not in describe_download(done, NOW, 110).plain


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
    for text, lines in (
        (describe_share(share, NOW, 76).plain, 10),
        (describe_download(download, NOW, 76).plain, 7),
    ):
        assert len(text.split("\n")) == lines
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "[red]" in text
