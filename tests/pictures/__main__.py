"""Draw the README's pictures again: ``python -m tests.pictures``."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from tests.pictures.scenes import SCENES, draw

if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    for name in SCENES:
        Path(__file__).with_name(f"{name}.svg").write_text(asyncio.run(draw(name)))
