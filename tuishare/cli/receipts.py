"""``tuishare receipts``: what recipients' agents have signed, printed, exported, and checked without an agent.

Owns the sentences about a checked receipt. Receipts are verified by `tuishare.link.receipt`; whom their signer is, the
user book and the identity of this home tell.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuishare.api.client import AgentClient
from tuishare.api.messages import CheckedReceipt, Receipt, ReceiptQuery, ReceiptState, SignerTrust
from tuishare.cli.agent import ask_agent
from tuishare.cli.json_output import print_json
from tuishare.cli.lookup import fetch_entries
from tuishare.cli.offline_home import open_home
from tuishare.cli.terminal import print_rows, say
from tuishare.errors import BadInput, NotFound, Refused, VerificationFailed
from tuishare.fs.atomic import publish, read_limited
from tuishare.link import receipt as signed
from tuishare.people import Identity, UserBook, name_key
from tuishare.presentation.formats import format_count, format_timestamp

_LARGEST: Final = 64 << 20
"""Bytes of a file with receipts; one line has less than 800."""
_MEANING: Final = (
    "A receipt is the word of the recipient's software; it does not prove that a person read anything."
)


def print_receipts(share: str, output: Path | None, *, as_json: bool) -> None:
    """Print the receipts for a share, or for all, or write them into a file.

    Raises:
        NotFound: there is no such share, and never was one with a receipt.
        Refused: the file exists.
    """
    receipts = ask_agent(lambda client: _fetch(client, share))
    if output is not None:
        _export(receipts, output)
    elif as_json:
        print_json(receipts)
    elif not receipts:
        say("No recipient has signed a receipt yet; links bring them.")
    else:
        rows = [
            (
                *(each.state, format_timestamp(each.at), each.user, f"version {each.generation}"),
                *(each.info_hash or "-", each.name),
            )
            for each in receipts
        ]
        print_rows(("state", "stated", "recipient", "version", "info-hash", "share"), rows)
        say(_MEANING)


async def _fetch(client: AgentClient, share: str) -> list[Receipt]:
    """Return the receipts for a share as it was named; those of one that is gone are kept under its id and name."""
    if share:
        with contextlib.suppress(NotFound):
            share = (await fetch_entries(client)).find_share(share).id
    return await client.receipts(ReceiptQuery(share=share))


def _export(receipts: list[Receipt], output: Path) -> None:
    if not receipts:
        raise NotFound("There is no receipt to export", hint="`tuishare receipts` shows all receipts.")
    try:
        publish(output, "".join(f"{each.text}\n" for each in receipts).encode(), replace=False, secret=False)
    except FileExistsError:
        raise Refused(f"{output} exists already", hint="Choose another name with --output.") from None
    say(f"{format_count(len(receipts), 'receipt')} written; `tuishare receipts --verify FILE` checks them.")


def verify_receipts(path: Path, *, as_json: bool) -> None:
    """Check the receipts in a file with the user book and the identity of this home, without an agent.

    Raises:
        NotFound: there is no such file.
        BadInput: it holds no receipt.
        VerificationFailed: one of them is not valid, or was signed by an unknown key.
    """
    home = open_home()
    read = signed.read_receipts(read_limited(path, _LARGEST).decode(errors="replace"))
    if not read:
        raise BadInput(f"{path} holds no receipt", hint="`tuishare receipts SHARE -o FILE` writes one.")
    judge = _Judge(home.book, home.identity)
    checked = [judge.check(each) for each in read]
    if as_json:
        print_json(checked)
    else:
        print_rows(
            ("verdict", "signer", "state", "stated", "version", "share", "info-hash"),
            list(map(_row, checked)),
        )
        for number, each in enumerate(checked, 1):
            if each.problem:
                say(f"Receipt {number}: {each.problem}")
        say(_MEANING)
    bad = [each for each in checked if not each.valid or each.trust is SignerTrust.UNKNOWN]
    if bad:
        raise VerificationFailed(
            f"{len(bad)} of {format_count(len(checked), 'receipt')} cannot be relied on",
            hint="The lines above say why.",
        )


@dataclass(frozen=True, slots=True)
class _Judge:
    """What this home knows about signers."""

    book: UserBook
    identity: Identity

    def check(self, read: signed.Receipt | VerificationFailed) -> CheckedReceipt:
        if isinstance(read, VerificationFailed):
            return CheckedReceipt(valid=False, problem=f"{read.detail}. {read.hint}")
        trust, user, problem = self._attribute(read.signer)
        return CheckedReceipt(
            valid=True,
            trust=trust,
            user=user,
            signer=read.signer.hex(),
            state=ReceiptState(read.state),
            at=read.at,
            share=read.share.hex(),
            generation=read.generation,
            digest=read.digest.hex(),
            info_hash=read.info_hash.hex() if read.info_hash else "",
            problem=problem,
        )

    def _attribute(self, signer: bytes) -> tuple[SignerTrust, str, str]:
        """Return how far a signer is known, their name, and what is to be said about that."""
        if signer in self.identity.signers:
            return SignerTrust.OURSELVES, "", "It was signed by this home itself."
        if user := self.book.signer(signer):
            if user.verified:
                return SignerTrust.VERIFIED, user.name, ""
            return SignerTrust.UNVERIFIED, user.name, f"{user.name} is not verified: compare fingerprints."
        if user := self.book.former(signer):
            return (
                SignerTrust.FORMER,
                user.name,
                f"It was signed with a key that {user.name} has replaced since.",
            )
        unknown = f"It was signed by the unknown key {name_key(signer)}: add the signer's card."
        return SignerTrust.UNKNOWN, "", unknown


def _row(checked: CheckedReceipt) -> tuple[str, ...]:
    if checked.state is None:
        return ("not valid", *[""] * 6)
    who = checked.user or ("this home" if checked.trust is SignerTrust.OURSELVES else checked.trust)
    return (
        "valid" if checked.trust is not SignerTrust.UNKNOWN else "unknown signer",
        *(who, checked.state, format_timestamp(checked.at), f"version {checked.generation}"),
        *(checked.share, checked.info_hash or "-"),
    )
