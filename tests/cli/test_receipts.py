"""Receipts on the command line: shown, exported, and checked without an agent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec

from tests.api.samples import RECEIPT
from tests.cli.homes import Person
from tests.cli.json_shapes import read_json
from tests.cli.served import served
from tests.link.samples import BOB, MALLORY
from tuishare.api.messages import CheckedReceipt, Receipt, SignerTrust
from tuishare.link.receipt import format_receipt
from tuishare.people import User, name_key


async def test_they_are_shown_and_written_into_a_file(alice: Person, tmp_path: Path) -> None:
    async with served(alice) as shell:
        said = await shell.call("receipts")
        assert (said.code, said.out.split("\t")[0]) == (0, "complete")
        assert "word of the recipient's software" in said.err
        assert read_json((await shell.call("receipts", RECEIPT.name, "--json")).out, list[Receipt]) == [
            RECEIPT
        ]
        file = tmp_path / "receipts.txt"
        assert (await shell.call("receipts", "-o", str(file))).code == 0
        assert file.read_text() == f"{RECEIPT.text}\n"
        assert (await shell.call("receipts", "-o", str(file))).failed(5, "exists already")
        shell.agent.receipts_kept = []
        assert "No recipient has signed" in (await shell.call("receipts")).err
        assert (await shell.call("receipts", "-o", str(tmp_path / "none"))).failed(4, "no receipt to export")
        shell.agent.receipts_kept = [msgspec.structs.replace(RECEIPT, share="ff" * 16, name="gone")]
        assert (await shell.call("receipts", "gone")).out.split("\t")[-1] == "gone\n"


def receipts_of(*signed: bytes) -> str:
    return "".join(f"{format_receipt(each)}\n" for each in signed)


def test_they_are_checked_without_an_agent_against_the_user_book(alice: Person) -> None:
    known = User("bob", card=BOB.card, verified=True)
    alice.know(known)
    file = alice.desk / "receipts.txt"
    complete = BOB.receipt(state="complete", info_hash=b"i" * 32)
    file.write_text(f"# from bob\n\n{receipts_of(complete, BOB.receipt())}")
    said = alice.call("receipts", "--verify", file)
    assert said.code == 0
    first, second = (line.split("\t") for line in said.out.splitlines())
    assert (first[:3], first[4:]) == (["valid", "bob", "complete"], ["version 1", "73" * 16, "69" * 32])
    assert (second[:3], second[-1]) == (["valid", "bob", "received"], "-")
    assert "word of the recipient's software" in said.err

    alice.know(replace(known, verified=False))
    said = alice.call("receipts", "--verify", file)
    assert (said.code, "bob is not verified" in said.err) == (0, True)
    (one, _) = read_json(alice.call("receipts", "--verify", file, "--json").out, list[CheckedReceipt])
    assert (one.valid, one.trust, one.user, one.info_hash) == (True, SignerTrust.UNVERIFIED, "bob", "69" * 32)


def test_what_was_changed_or_signed_by_an_unknown_key_is_not_relied_on(alice: Person) -> None:
    alice.know(User("bob", card=BOB.card, verified=True))
    file = alice.desk / "receipts.txt"
    good, foreign = BOB.receipt(), MALLORY.receipt()
    forged = good[:-1] + bytes([good[-1] ^ 1])
    file.write_text(f"{receipts_of(good, foreign, forged)}a text\n")
    said = alice.call("receipts", "--verify", file)
    assert said.code == 6
    verdicts = [line.split("\t")[0] for line in said.out.splitlines()]
    assert verdicts == ["valid", "unknown signer", "not valid", "not valid"]
    assert name_key(MALLORY.signer) in said.err
    assert "3 of 4 receipts cannot be relied on" in said.err
    told = read_json(alice.call("receipts", "--verify", file, "--json").out, list[CheckedReceipt])
    assert [(each.valid, each.trust) for each in told[1:3]] == [(True, "unknown"), (False, "unknown")]


def test_a_file_without_receipts_and_a_missing_file_are_said(alice: Person) -> None:
    file = alice.desk / "receipts.txt"
    assert alice.call("receipts", "--verify", file).code == 4
    file.write_text("# none\n")
    assert alice.call("receipts", "--verify", file).failed(2, "holds no receipt")
    assert alice.call("receipts", "share", "--verify", file).failed(2, "--verify takes a file")
