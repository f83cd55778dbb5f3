"""No test of a store leaves a process or a folder behind."""

import os
from pathlib import Path

import psutil
import pytest

from fortyfive.stores.nats import Broker


def servers():
    """The NATS servers that run on this machine from the data folder of this test, whoever started them."""
    root = os.environ["FORTYFIVE_DATA_DIR"]
    commands = ((process.pid, process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))
    return [pid for pid, command in commands if any(argument.startswith(root) for argument in command)]


def folders():
    return [path for path in Path(os.environ["FORTYFIVE_DATA_DIR"], "stores").glob("*") if path.is_dir()]


@pytest.fixture(autouse=True)
def nothing_is_left(own_data_folder):
    yield
    assert servers() == []
    assert folders() == []


@pytest.fixture
def broker():
    with Broker() as running:
        yield running
