"""MLflow's user interface over runs of nnjax, in Chromium: what a user looks for is there.

Screenshots lie in the test's temporary folder: `pytest -m '' tests/end_to_end/test_ui.py --basetemp=FOLDER`.
"""

import shutil

import pytest

from experiments import browser
from nnjax.tracking import mlflow_client
from tests.end_to_end.conftest import command

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(browser.missing()), reason=browser.missing()),
    # Playwright's loop and pipes are closed by the interpreter.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
QUICK = ("training.epochs=50", "training.gradient_check=false", "tracking.figures=false")


@pytest.fixture
def runs(xor, tmp_path):
    """Three runs and a sweep of two lanes in a folder of their own, the latest first."""
    folder = tmp_path / "work"
    shutil.copytree(xor.folder, folder)
    for words in (["seed=1"], ["optimizer.learning_rate=0.5", "seed=2"], ["lanes.seeds=2", "tracking.model=false"]):
        done = command(folder, "+experiment=xor", *QUICK, *words)
        assert done.code == 0, done.err
    return [run for run in mlflow_client.search(None, folder, "boolean") if not run.parent and "swept" not in run.tags]


def test_the_interface_answers_what_a_user_asks(runs, tmp_path):
    folder = tmp_path / "work"
    experiment = "1"
    ids = [run.id for run in runs]
    assert len(ids) == 3
    with browser.served(folder) as address, browser.opened(address) as page:

        def seen(name: str) -> str:
            page.screenshot(path=str(tmp_path / f"{name}.png"))
            return str(page.locator("body").inner_text())

        browser.runs(page, address, experiment)
        table = seen("runs")
        for text in (
            "mlp 2-4-1 adam XOR seed 0",
            "adam XOR epochs=50 learning_rate=0.5",
            "test/accuracy",
            "train/loss",
        ):
            assert text in table
        assert "mlp 2-4-1 adam XOR, 2 lanes of seed" in table
        assert "seed=0" not in table.split()  # lanes are folded below their sweep
        browser.unfold(page)
        assert "seed=0" in seen("unfolded").split()

        browser.run(page, address, experiment, ids[-1])
        overview = seen("run")
        for text in ("mlp 2-4-1 adam XOR seed 0", "XOR (", "17 parameters", "stopped", "test/accuracy"):
            assert text in overview

        browser.compare(page, address, experiment, ids)
        compared = seen("compare")
        for text in ("Comparing 3 Runs", "learning_rate=0.5", "optimizer.learning_rate", "test/loss"):
            assert text in compared

        browser.artifact(page, address, experiment, ids[-1], "report.html", "What ran")
        seen("report")
        report = page.frame_locator("iframe").locator("body").inner_text()
        for text in ("mlp 2-4-1 adam XOR seed 0", "Results", "nnjax reproduce", "Gradient check"):
            assert text in report
