"""Silence inside, everything as it was outside."""

import logging
import os
import warnings

import pytest

from nnjax.tracking.quiet import LOGGERS, SETTINGS, _one_thread, quiet


@pytest.fixture
def alone():
    """No other thread, such as one that an earlier test left behind, changes the process meanwhile."""
    with _one_thread:
        yield


def test_logs_and_warnings_are_silent_inside_and_restored_after_an_error(alone, caplog, monkeypatch):
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT", raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    before = [logging.getLogger(name).level for name in LOGGERS], dict(os.environ), list(warnings.filters)
    with pytest.raises(ZeroDivisionError), quiet():
        logging.getLogger("mlflow.store.db.utils").error("loud")
        logging.getLogger("alembic.runtime.migration").info("loud")
        warnings.warn("loud", FutureWarning, stacklevel=1)
        assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == SETTINGS["MLFLOW_HTTP_REQUEST_TIMEOUT"]
        assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "3"  # what the user has set stays
        _ = 1 / 0
    assert caplog.text == ""
    assert before == ([logging.getLogger(name).level for name in LOGGERS], dict(os.environ), list(warnings.filters))
