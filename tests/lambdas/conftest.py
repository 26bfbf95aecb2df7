"""Fixtures of the handlers' tests; what they are made of is in team_in_memory.py, which test modules import too."""

import sys
from pathlib import Path

import pytest
from moto import mock_aws

sys.path.insert(0, str(Path(__file__).parent))  # import mode importlib puts no test folder on the path

from team_in_memory import Team


@pytest.fixture
def team(monkeypatch):
    with mock_aws():
        yield Team(monkeypatch)
