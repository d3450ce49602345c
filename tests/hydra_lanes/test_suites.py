"""Hydra's own suites: with a task that declares nothing, the plugin is Hydra's launcher and sweeper."""

import pytest
from hydra.test_utils.launcher_common_tests import BatchedSweeperTestSuite, LauncherTestSuite

CHDIR = "hydra.job.chdir=True"  # the suites look for outputs in the working folder


pytestmark = [pytest.mark.ci, pytest.mark.usefixtures("newest_hydra")]


@pytest.mark.parametrize(
    ("launcher_name", "overrides"),
    [("lanes", [CHDIR]), ("basic", [CHDIR, "hydra/sweeper=lanes"]), ("lanes", [CHDIR, "hydra/sweeper=lanes"])],
)
class TestLauncher(LauncherTestSuite):
    pass


@pytest.mark.parametrize(
    ("launcher_name", "overrides"),
    [
        ("lanes", [CHDIR, "hydra.sweeper.max_batch_size=2"]),
        ("basic", [CHDIR, "hydra/sweeper=lanes", "hydra.sweeper.max_batch_size=2"]),
    ],
)
class TestBatches(BatchedSweeperTestSuite):
    pass
