"""``tuishare doctor``: everything that can be wrong, looked at once.

Owns the list of checks and their order; nothing is changed and no folder is made.
"""

from __future__ import annotations

from typing import Final

import msgspec

from tuishare.cli import checks_home, checks_machine
from tuishare.cli.findings import Check, Mark, run_check
from tuishare.paths import find_places

CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("versions", checks_machine.check_versions),
    ("home", checks_home.check_privacy),
    ("identity", checks_home.check_identity),
    ("settings", checks_home.check_settings),
    ("users", checks_home.check_users),
    ("folders", checks_home.check_folders),
    ("inotify", checks_machine.check_inotify),
    ("TLS", checks_machine.check_tls),
    ("agent", checks_machine.check_agent),
    ("ports", checks_machine.check_ports),
    ("service", checks_machine.check_linger),
    ("clock", checks_machine.check_clock),
)


def diagnose(*, as_json: bool) -> bool:
    """Run all checks and print what they find; returns whether nothing is wrong."""
    places = find_places()
    findings = []
    for subject, check in CHECKS:
        found = run_check(subject, check, places)
        findings += found
        if not as_json:
            for finding in found:
                print(*finding.lines(), sep="\n", flush=True)
    if as_json:
        print(msgspec.json.encode([finding.describe() for finding in findings]).decode())
    return all(finding.mark is not Mark.FAULT for finding in findings)
