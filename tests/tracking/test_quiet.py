"""Silence inside, everything as it was outside."""

import logging
import os
import warnings

import pytest

from nnjax.tracking.quiet import SETTINGS, TALKATIVE, quiet


def test_logs_and_warnings_are_silent_inside_and_restored_after_an_error(caplog, monkeypatch):
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT", raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    before = [logging.getLogger(name).level for name in TALKATIVE], dict(os.environ), list(warnings.filters)
    with pytest.raises(ZeroDivisionError), quiet():
        logging.getLogger("mlflow.store.db.utils").error("loud")
        logging.getLogger("alembic.runtime.migration").info("loud")
        warnings.warn("loud", FutureWarning, stacklevel=1)
        assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == SETTINGS["MLFLOW_HTTP_REQUEST_TIMEOUT"]
        assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "3"  # what the user has set stays
        _ = 1 / 0
    assert caplog.text == ""
    assert before == ([logging.getLogger(name).level for name in TALKATIVE], dict(os.environ), list(warnings.filters))
