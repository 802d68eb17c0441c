from __future__ import annotations

import pytest
from declaring import declaring
from mock_engine import Engine


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="session")
def declared(engine):
    """What the program declares of a stack's text."""
    return declaring(engine)
