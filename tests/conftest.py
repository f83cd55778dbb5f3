"""What all tests share: no test touches a person's own ledger."""

import pytest


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("FORTYFIVE_DATA_DIR", str(tmp_path_factory.mktemp("data")))
    monkeypatch.setenv("FORTYFIVE_LEARNER", "tester")
