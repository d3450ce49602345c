"""All that is fuzzed, in a process of its own: what it takes more than the imports is less than 500 MB."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import MEGABYTES, UNIT

IMPORTS = "from tests.fuzz import test_data, test_expressions, test_networks, test_settings"


def most(*words: str) -> float:
    """The most memory in megabytes of a Python process that ends well."""
    process = subprocess.Popen([sys.executable, *words], cwd=Path(__file__).parents[2])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss / UNIT


@pytest.mark.slow
def test_all_inputs_take_less_than_500_megabytes():
    imports = most("-c", IMPORTS)
    assert imports > 50  # it is megabytes that are compared
    assert most("-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__).parent)) - imports < MEGABYTES
