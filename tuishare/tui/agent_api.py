"""The agent as the dashboard calls it.

Owns a name only: the operations are those of every client.
"""

from __future__ import annotations

from tuishare.api.service import AgentService as AgentApi

__all__ = ["AgentApi"]
