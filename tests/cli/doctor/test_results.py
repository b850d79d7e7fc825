"""What a check finds, and a check that cannot go on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.homes import Person
from tuishare.api.messages import Finding
from tuishare.cli.doctor.results import CheckResult, Severity, run_check
from tuishare.errors import BadConfiguration
from tuishare.home_paths import Places


def test_it_is_told_in_one_line_with_its_hint_below() -> None:
    finding = CheckResult(Severity.FAULT, "clock", "it is \x1b[31mwrong", "Set it.")
    assert list(finding.lines()) == ["✗ clock: it is \ufffd[31mwrong", "  hint: Set it."]
    assert list(CheckResult(Severity.FINE, "clock", "right").lines()) == ["✓ clock: right"]


def test_scripts_get_the_message_of_the_api() -> None:
    for mark, good in ((Severity.FINE, True), (Severity.NOTE, None), (Severity.FAULT, False)):
        assert CheckResult(mark, "users", "none", "Add one.").message() == Finding(
            topic="users", good=good, evidence="none", hint="Add one."
        )


@pytest.mark.parametrize(
    ("error", "detail", "hint"),
    [
        (BadConfiguration("line 3", hint="Correct it."), "line 3", "Correct it."),
        (PermissionError(13, "Permission denied"), "Permission denied", ""),
    ],
)
def test_what_a_check_cannot_get_past_is_a_fault_and_the_rest_stays(
    alice: Person, error: Exception, detail: str, hint: str
) -> None:
    def check(_places: Places) -> Iterator[CheckResult]:
        yield CheckResult(Severity.FINE, "x", "good so far")
        raise error

    good, bad = run_check("x", check, alice.places)
    assert good.mark is Severity.FINE
    assert bad == CheckResult(Severity.FAULT, "x", detail, hint)
