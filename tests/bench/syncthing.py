"""Two Syncthing instances on loopback that share a folder, without announcing it."""

from __future__ import annotations

import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.agents import end, seconds_until
from tuishare.swarm.ports import free_port

_KEY = "measured-on-loopback-only"
_CONFIGURATION = """<configuration version="36">
<folder id="shared" label="" path="{folder}" type="sendreceive" rescanIntervalS="3600"
  fsWatcherEnabled="true" fsWatcherDelayS="1" ignorePerms="false" autoNormalize="true">
  <device id="{own}"></device><device id="{other}"></device>
</folder>
<device id="{own}" name="own" compression="metadata"><address>tcp://127.0.0.1:{port}</address></device>
<device id="{other}" name="other" compression="metadata"><address>tcp://127.0.0.1:{other_port}</address></device>
<gui enabled="true" tls="false"><address>127.0.0.1:{gui}</address><apikey>{key}</apikey></gui>
<options>
  <listenAddress>tcp://127.0.0.1:{port}</listenAddress>
  <globalAnnounceEnabled>false</globalAnnounceEnabled><localAnnounceEnabled>false</localAnnounceEnabled>
  <relaysEnabled>false</relaysEnabled><natEnabled>false</natEnabled><startBrowser>false</startBrowser>
  <urAccepted>-1</urAccepted><autoUpgradeIntervalH>0</autoUpgradeIntervalH>
  <crashReportingEnabled>false</crashReportingEnabled><setLowPriority>false</setLowPriority>
  <reconnectionIntervalS>1</reconnectionIntervalS>
</options>
</configuration>
"""


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance; `folder` is what it shares."""

    home: Path
    folder: Path
    device: str
    port: int
    gui: int

    def configure(self, other: Instance) -> None:
        """Write its settings: a watcher delay of one second, as short as it can be."""
        text = _CONFIGURATION.format(
            folder=self.folder,
            own=self.device,
            other=other.device,
            port=self.port,
            other_port=other.port,
            gui=self.gui,
            key=_KEY,
        )
        (self.home / "config.xml").write_text(text)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it for as long as the block lasts."""
        process = subprocess.Popen(
            ["syncthing", "serve", f"--home={self.home}", "--no-browser", "--no-restart", "--no-upgrade"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            end(process)

    def is_connected(self) -> bool:
        """Whether it responds and is connected to the other one."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.gui}/rest/system/connections", headers={"X-API-Key": _KEY}
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return b'"connected": true' in answer.read()
        except OSError:
            return False


def is_installed() -> bool:
    """Whether Syncthing is installed."""
    return shutil.which("syncthing") is not None


def make_instance(home: Path) -> Instance:
    """Make keys and an empty folder."""
    subprocess.run(["syncthing", "generate", f"--home={home}"], check=True, capture_output=True)
    device = subprocess.run(
        ["syncthing", f"--home={home}", "--device-id"], check=True, capture_output=True, text=True
    ).stdout.strip()
    folder = home / "shared"
    (folder / ".stfolder").mkdir(parents=True)
    return Instance(home, folder, device, free_port(), free_port())


@contextmanager
def synchronising(root: Path) -> Iterator[tuple[Path, Path]]:
    """Run two instances; give their folders once they are connected."""
    instances = make_instance(root / "one"), make_instance(root / "other")
    with ExitStack() as stack:
        for instance, other in zip(instances, reversed(instances), strict=True):
            instance.configure(other)
            stack.enter_context(instance.running())
        started = time.perf_counter()
        seconds_until(lambda: all(instance.is_connected() for instance in instances), since=started)
        yield instances[0].folder, instances[1].folder
