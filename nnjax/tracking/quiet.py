"""Call MLflow without its log lines, links and warnings, and with shorter timeouts."""

import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

LOGGERS = ("mlflow", "alembic", "sqlalchemy", "urllib3")
SETTINGS = {  # a server that doesn't answer is reported within seconds; MLflow's own defaults take minutes
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",  # seconds
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
# Environment, log levels and warning filters belong to the whole process: one thread at a time changes them.
_one_thread = threading.RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """Silence MLflow meanwhile, then restore everything; what the user has set in the environment stays."""
    with _one_thread, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        missing = [name for name in SETTINGS if name not in os.environ]
        levels = {name: logging.getLogger(name).level for name in LOGGERS}
        try:
            os.environ.update({name: SETTINGS[name] for name in missing})
            for name in LOGGERS:
                logging.getLogger(name).setLevel(logging.CRITICAL + 1)
            yield
        finally:
            for name in missing:
                os.environ.pop(name, None)
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
