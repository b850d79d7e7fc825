"""What a share lets out, judged from what was really seen of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.agent.agent_pairs import running
from tests.agent.homes import Home, fill
from tests.agent.shares.test_sharing import until
from tuishare.agent.service.privacy_report import PrivacyCase, assess
from tuishare.api.messages import Finding, ShareState
from tuishare.core.records import RecipientRecord, ShareRecord
from tuishare.swarm import CertificateDates, PrivacyFacts

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DATES = CertificateDates(NOW - timedelta(days=1), NOW + timedelta(days=3650))
GOOD = PrivacyFacts(
    transport="tls",
    private=True,
    torrent_dht=True,
    torrent_pex=True,
    torrent_lsd=True,
    session_dht=False,
    session_lsd=False,
    authority=DATES,
    certificate=DATES,
    listening={"tls": 50007},
    connections={"tls": 2},
    trackers=0,
    web_seeds=0,
)
SHARE = ShareRecord("ab" * 16, "/drop/x", "x", ("bob",), "tls", 1, b"s" * 32, info_hash="cd" * 32)


def found(evidence: PrivacyFacts | None = GOOD, **changes: Any) -> dict[str, Finding]:
    rows = (RecipientRecord(SHARE.id, "bob", b"h"), RecipientRecord(SHARE.id, "dan", b"i", revoked=7))
    case = replace(PrivacyCase(SHARE, evidence, rows, 50009, None, NOW), **changes)
    return {finding.topic: finding for finding in assess(case)}


def test_all_is_well_where_it_is() -> None:
    findings = found()
    assert [each for each in findings.values() if each.good is False] == []
    assert findings["tickets"].evidence == "Held by: bob."
    assert "dan" in findings["revoked"].evidence
    assert findings["ports"].evidence == "Listening: tls swarms on 50007, our tracker on 50009."
    assert "cdcdcdcd" in findings["known leaks"].evidence


@pytest.mark.parametrize(
    ("changes", "topic"),
    [
        ({"private": False}, "private bit"),
        ({"private": False}, "peer exchange"),
        ({"session_dht": True}, "DHT"),
        ({"session_lsd": True}, "local discovery"),
        ({"web_seeds": 1}, "web seeds"),
        ({"connections": {"none": 1}}, "connections"),
        ({"transport": "plain"}, "TLS"),
        ({"certificate": replace(DATES, not_after=NOW - timedelta(1))}, "our certificate"),
        ({"authority": replace(DATES, not_before=NOW + timedelta(1))}, "authority"),
    ],
)
def test_each_hole_is_found(changes: dict[str, Any], topic: str) -> None:
    assert found(replace(GOOD, **changes))[topic].good is False


def test_what_ends_soon_has_a_hint() -> None:
    soon = replace(GOOD, certificate=replace(DATES, not_after=NOW + timedelta(days=7)))
    assert found(soon)["our certificate"].hint


@pytest.mark.parametrize(
    ("reachable", "word"), [(True, "forwards"), (False, "No peer can"), (None, "Unknown")]
)
def test_being_reached(reachable: bool | None, word: str) -> None:
    assert word in found(reachable=reachable)["reachable"].evidence


def test_what_the_router_said_is_told_instead_of_an_advice_already_taken() -> None:
    finding = found(reachable=False, faults=("UPnP did not map a port: no",))["reachable"]
    assert "UPnP did not map a port: no" in finding.evidence
    assert "port_mapping" not in finding.hint
    assert "port_mapping" in found(reachable=False)["reachable"].hint


@pytest.mark.usefixtures("bob")
async def test_a_real_share_is_proved_to_be_private(alice: Home) -> None:
    fill(alice.drop / "x")
    async with running(alice) as agent:
        share = await until(agent, "x", ShareState.SEEDING)
        proof = await agent.service.share_proof(share.id)
        marks = {finding.topic: finding.good for finding in proof.findings}
        assert {marks[topic] for topic in ("TLS", "private bit", "DHT", "resumption", "our certificate")} == {
            True
        }
        assert False not in marks.values()
        await agent._drops.commands.pause(share.id)
        (first, *_) = (await agent.service.share_proof(share.id)).findings
        assert first.topic == "swarm"
