"""People to test with: real keys, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuishare.people import Identity, create_identity


@pytest.fixture(scope="session")
def alice(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return create_identity(tmp_path_factory.mktemp("alice") / "identity.key")


@pytest.fixture(scope="session")
def bob(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return create_identity(tmp_path_factory.mktemp("bob") / "identity.key")


@pytest.fixture(scope="session")
def carol(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return create_identity(tmp_path_factory.mktemp("carol") / "identity.key")


@pytest.fixture(scope="session")
def golden() -> Path:
    """Files of the first released formats; they must be readable for ever."""
    return Path(__file__).parent / "golden"
