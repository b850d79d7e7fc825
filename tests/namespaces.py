"""Network namespaces: whether a test can have some."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess


@functools.cache
def no_namespaces(*tools: str) -> str:
    """Say why there can be no namespaces with these programs on this machine; empty where there can."""
    if os.geteuid() != 0:
        return "only root makes network namespaces"
    if absent := [tool for tool in ("ip", *tools) if shutil.which(tool) is None]:
        return f"not installed: {', '.join(absent)}"
    name = f"tuishare-{os.getpid()}-try"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return "" if made else "network namespaces cannot be made here"
