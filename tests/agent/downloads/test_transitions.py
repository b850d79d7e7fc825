"""How a download begins."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.agent.download_pipelines import judge
from tests.agent.homes import Home, fill, seal_manifest, share_of
from tuishare.agent.downloads.files import DownloadFiles
from tuishare.agent.downloads.transitions import ArrivedEnvelope, new_download, supersede
from tuishare.config.model import load_config
from tuishare.core.records import DownloadRecord, DownloadStep, TrackerAddress
from tuishare.envelope import Announce, Ticket
from tuishare.errors import Refused

ARRIVAL = ArrivedEnvelope("x.torrent.encrypted", b"d" * 32)
RECORD = DownloadRecord("id", "x", 1, DownloadStep.DOWNLOADING)


def begun(alice: Home, bob: Home, data: bytes) -> DownloadRecord:
    return new_download(judge(alice, bob, data), ARRIVAL, DownloadFiles(load_config(bob.places).folders), 7)


def test_a_record_says_all_that_the_envelope_said(alice: Home, bob: Home) -> None:
    share = share_of(fill(alice.drop / "film.mkv"), generation=3)
    url = "https://tracker.example.org/announce/{passkey}"
    ticket = Ticket(b"p" * 32, share.leaf_certificate, share.leaf_key)
    data = seal_manifest(
        alice,
        share,
        bob.user(),
        ticket=ticket,
        contacts=("192.0.2.1:7",),
        announce=(Announce(url, b"k" * 32),),
    )
    record = begun(alice, bob, data)
    assert (record.envelope, record.envelope_hash, record.added) == (ARRIVAL.envelope, ARRIVAL.digest, 7)
    assert (record.sender, record.signer, record.share) == ("alice", alice.identity.signer, share.id)
    assert (record.name, record.generation, record.info_hash) == ("film.mkv", 3, share.info_hash)
    assert record.contacts == ("192.0.2.1:7",)
    assert record.trackers == (
        TrackerAddress(url.replace("{passkey}", (b"p" * 32).hex()), (b"k" * 32).hex()),
    )
    assert (record.root_certificate, record.leaf_key) == (share.root_certificate, share.leaf_key)
    assert record.staging.endswith(f"{record.id}-3")


def test_a_ticket_that_cannot_work_is_refused(alice: Home, bob: Home) -> None:
    share = share_of(fill(alice.drop / "x"))
    with pytest.raises(Refused, match="certificate"):
        begun(alice, bob, seal_manifest(alice, share, bob.user(), ticket=Ticket(bytes(32), None, None)))


def test_a_new_generation_replaces_what_was_delivered_or_was_to_be_replaced() -> None:
    done = replace(RECORD, step=DownloadStep.COMPLETE, path="/d/x", signature="s")
    under_way = replace(RECORD, replaces="/d/y", replaces_signature="t")
    assert supersede(RECORD, None) == RECORD
    for former, wanted in ((done, ("/d/x", "s")), (under_way, ("/d/y", "t"))):
        record = supersede(RECORD, former)
        assert (record.replaces, record.replaces_signature) == wanted


def test_a_choice_of_files_is_of_that_content_alone() -> None:
    chosen = replace(RECORD, info_hash="a" * 64, unwanted=(0, 2))
    assert supersede(replace(RECORD, info_hash="a" * 64), chosen).unwanted == (0, 2)
    assert supersede(replace(RECORD, info_hash="b" * 64), chosen).unwanted == ()
