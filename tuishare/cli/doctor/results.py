"""Results of the checks of `tuishare doctor`, as text and as messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from tuishare.api.messages import Finding
from tuishare.errors import TuishareError
from tuishare.home_paths import Places
from tuishare.sanitize import for_display


class Severity(Enum):
    """Severity of a result; the sign is printed before its line."""

    FINE = "✓"
    NOTE = "!"
    FAULT = "✗"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One result; the hint is a remedy, or empty."""

    mark: Severity
    subject: str
    detail: str
    hint: str = ""

    def lines(self) -> Iterator[str]:
        """Return the lines to print."""
        yield f"{self.mark.value} {self.subject}: {for_display(self.detail, 300)}"
        if self.hint:
            yield f"  hint: {for_display(self.hint, 300)}"

    def message(self) -> Finding:
        """Return the result as a message of the API."""
        good = None if self.mark is Severity.NOTE else self.mark is Severity.FINE
        return Finding(topic=self.subject, good=good, evidence=self.detail, hint=self.hint)


Check = Callable[[Places], Iterable[CheckResult]]
"""One check; changes nothing."""


def run_check(subject: str, check: Check, places: Places) -> list[CheckResult]:
    """Run one check; an error that ends it is a fault."""
    findings: list[CheckResult] = []
    try:
        findings.extend(check(places))
    except TuishareError as error:
        findings.append(CheckResult(Severity.FAULT, subject, error.detail, error.hint))
    except OSError as error:
        findings.append(CheckResult(Severity.FAULT, subject, error.strerror or type(error).__name__))
    return findings
