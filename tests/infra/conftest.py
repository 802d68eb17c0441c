from __future__ import annotations

import pytest
from mock_engine import Engine


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine()
