"""The tracker that public sites run, on loopback."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.agents import end, seconds_until
from tuishare.swarm.ports import free_port


@contextmanager
def opentracker(folder: Path, info_hash: str) -> Iterator[int]:
    """Run it for one torrent, named in hexadecimal; gives its port."""
    (folder / "whitelist").write_text(f"{info_hash}\n")
    folder.chmod(0o755)  # it becomes nobody
    port = free_port()
    command = ["opentracker", "-i", "127.0.0.1", "-p", str(port), "-P", str(port), "-d", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "-w", "whitelist"], stdout=log, stderr=log)
    try:
        seconds_until(lambda: _listens(port), since=time.perf_counter(), limit=10)
        yield port
    finally:
        end(process)


def _listens(port: int) -> bool:
    line = f":{port:04X} 00000000:0000 0A "
    return any(line in text for text in Path("/proc/net/tcp").read_text().splitlines())
