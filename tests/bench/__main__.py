"""Every benchmark, one after the other, in one run: ``python -m tests.bench [--quick]``.

Each is a module of its own and can be run alone with its own options.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

FULL: dict[str, list[str]] = {
    "bench_hashing": [],
    "bench_transfer": ["--size", "1GiB", "--rounds", "3"],
    "bench_uplink": ["--size", "100MiB", "--rounds", "3"],
    "bench_sealing": [],
    "bench_reception": [],
    "bench_latency": [],
    "bench_seeding": [],
    "bench_growth": [],
    "bench_flood": [],
    "bench_dashboard": [],
    "bench_tracker": [],
    "bench_link": [],
    "bench_recipients": [],
}
QUICK: dict[str, list[str]] = {
    "bench_hashing": ["--size", "256MiB"],
    "bench_transfer": ["--size", "64MiB", "--rounds", "1"],
    "bench_uplink": ["--size", "16MiB", "--rounds", "1"],
    "bench_sealing": ["--rounds", "3"],
    "bench_reception": ["--files", "20000"],
    "bench_latency": ["--rounds", "3", "--folders", "1"],
    "bench_seeding": ["--shares", "50", "--seconds", "3"],
    "bench_growth": ["--shares", "20", "60"],
    "bench_flood": ["--folders", "20"],
    "bench_dashboard": ["--shares", "500", "--seconds", "2", "--rounds", "1"],
    "bench_tracker": ["--announces", "1000", "--guesses", "5000"],
    "bench_link": ["--contacts", "20", "--rounds", "50", "--seconds", "3"],
    "bench_recipients": ["--recipients", "10", "--contacts", "20", "--rounds", "2", "--seconds", "3"],
}


def main() -> None:
    """Run all; exit non-zero if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that they run, not how fast")
    failed = []
    for module, options in (QUICK if parser.parse_args().quick else FULL).items():
        print(f"\n== {module}", flush=True)
        if subprocess.run([sys.executable, "-m", f"tests.bench.{module}", *options], check=False).returncode:
            failed.append(module)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
