"""``tuishare doctor``: checks of home and machine, or the privacy report of one share.

Owns the list of checks, their order and their output. Must not change anything or make folders.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tuishare.api.client import AgentClient
from tuishare.api.messages import Finding as ProofFinding
from tuishare.api.messages import Proof
from tuishare.cli.agent import ask_agent
from tuishare.cli.doctor import home, machine
from tuishare.cli.doctor.results import Check, CheckResult, Severity, run_check
from tuishare.cli.json_output import print_json
from tuishare.cli.lookup import fetch_entries, require_taken
from tuishare.home_paths import find_places

CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("versions", machine.check_versions),
    ("home", home.check_privacy),
    ("identity", home.check_identity),
    ("settings", home.check_settings),
    ("users", home.check_users),
    ("folders", home.check_folders),
    ("inotify", machine.check_inotify),
    ("open files", machine.check_descriptors),
    ("TLS", machine.check_tls),
    ("agent", machine.check_agent),
    ("ports", machine.check_ports),
    ("service", machine.check_linger),
    ("clock", machine.check_clock),
)


def diagnose(*, as_json: bool) -> bool:
    """Run all checks and print the results; return whether no fault was found."""
    places = find_places()
    return _print((run_check(subject, check, places) for subject, check in CHECKS), as_json=as_json)


def prove(word: str, *, as_json: bool) -> bool:
    """Print the privacy report of one share; return whether no fault was found.

    Raises:
        NotFound: there is no such share.
        BadInput: several shares match.
    """

    async def ask(client: AgentClient) -> Proof:
        share = (await fetch_entries(client)).find_share(word)
        require_taken(share)
        return await client.share_proof(share.id)

    return _print([[_read(finding) for finding in ask_agent(ask).findings]], as_json=as_json)


def _read(finding: ProofFinding) -> CheckResult:
    mark = Severity.NOTE if finding.good is None else Severity.FINE if finding.good else Severity.FAULT
    return CheckResult(mark, finding.topic, finding.evidence, finding.hint)


def _print(found: Iterable[list[CheckResult]], *, as_json: bool) -> bool:
    """Print each result as soon as it is known; JSON is one array."""
    findings: list[CheckResult] = []
    for some in found:
        findings += some
        if not as_json:
            for finding in some:
                print(*finding.lines(), sep="\n", flush=True)
    if as_json:
        print_json([finding.message() for finding in findings])
    return all(finding.mark is not Severity.FAULT for finding in findings)
