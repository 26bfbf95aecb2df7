"""What a training script finds when it starts, and what becomes of what it leaves."""

import json

import pytest

from .conftest import channel, spot, wait_for
