from __future__ import annotations

import pytest

from tuishare import errors
from tuishare.cli.exit_codes import Exit, exit_code, report
from tuishare.envelope import Damaged, NotForUs
from tuishare.errors import TuishareError
from tuishare.torrents import Cancelled, Changed

CODES: dict[type[TuishareError], int] = {
    TuishareError: 1,
    errors.SystemFailed: 1,
    errors.AgentUnreachable: 1,
    Cancelled: 1,
    errors.BadInput: 2,
    errors.BadConfiguration: 3,
    errors.DiskRefused: 1,
    errors.TooManyOpen: 1,
    errors.NotFound: 4,
    errors.Refused: 5,
    NotForUs: 5,
    Damaged: 5,
    errors.VerificationFailed: 6,
    Changed: 6,
}


def make(kind: type[TuishareError]) -> TuishareError:
    return kind() if kind in {NotForUs, Damaged} else kind("It is so", hint="Do that.")


@pytest.mark.parametrize(("kind", "code"), CODES.items())
def test_every_class_has_its_code(kind: type[TuishareError], code: int) -> None:
    assert exit_code(make(kind)) == code


def test_no_class_was_forgotten() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    assert {kind for kind in kinds if issubclass(kind, TuishareError)} <= set(CODES)


def test_one_sentence_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(errors.NotFound("It is not there", hint="Look elsewhere.")) is Exit.NOT_FOUND
    assert capsys.readouterr() == ("", "tuishare: It is not there.\n  hint: Look elsewhere.\n")
    report(TuishareError("It is so."))
    assert capsys.readouterr() == ("", "tuishare: It is so.\n")


def test_names_of_others_cannot_write_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    report(errors.Refused("“a\x1b]0;owned\x07\nb” exists", hint="Move a\u202eb."))
    assert capsys.readouterr().err == "tuishare: “a�]0;owned��b” exists.\n  hint: Move a�b.\n"
