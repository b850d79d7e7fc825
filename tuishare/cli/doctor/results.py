"""What a check of `tuishare doctor` finds, and how it is told. Owns the three marks and no check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from tuishare.api.messages import Finding
from tuishare.errors import TuishareError
from tuishare.home_paths import Places
from tuishare.sanitize import for_display


class Severity(Enum):
    """How good or bad it is: the word for programs, the sign for people."""

    FINE = ("fine", "✓")
    NOTE = ("note", "!")
    FAULT = ("fault", "✗")


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of the diagnosis; the hint says what a person can do, and may be empty."""

    mark: Severity
    subject: str
    detail: str
    hint: str = ""

    def lines(self) -> Iterator[str]:
        """Say it to a person."""
        yield f"{self.mark.value[1]} {self.subject}: {for_display(self.detail, 300)}"
        if self.hint:
            yield f"  hint: {for_display(self.hint, 300)}"

    def message(self) -> Finding:
        """Return the message of the API for it."""
        good = None if self.mark is Severity.NOTE else self.mark is Severity.FINE
        return Finding(topic=self.subject, good=good, evidence=self.detail, hint=self.hint)


Check = Callable[[Places], Iterable[CheckResult]]
"""Looks at one thing and changes nothing."""


def run_check(subject: str, check: Check, places: Places) -> list[CheckResult]:
    """Run one check; what it cannot get past is a fault."""
    findings: list[CheckResult] = []
    try:
        findings.extend(check(places))
    except TuishareError as error:
        findings.append(CheckResult(Severity.FAULT, subject, error.detail, error.hint))
    except OSError as error:
        findings.append(CheckResult(Severity.FAULT, subject, error.strerror or type(error).__name__))
    return findings
