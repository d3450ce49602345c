"""report.html of a run: what it says, that it needs nothing else, and that nothing from outside becomes markup."""

import base64
import dataclasses
from datetime import datetime

import numpy as np
import pytest

from nnjax.data.boolean.source import boolean
from nnjax.reporting import run_page
from nnjax.reporting.summary import RunSummary
from nnjax.training.result import TrainingResult
from tests.config.test_schema import read
from tests.reporting import Page

EVIL = "<script>alert(1)</script>"
PNG = b"\x89PNG picture"
PARAMS = ((np.array([[1.0, -0.25]]), np.array([0.5])),)
HISTORY = {
    "train/loss": np.array([0.9, 0.5, 0.4]),
    "train/accuracy": np.array([0.25, 0.75, 0.8]),
    "train/cost": np.array([0.9, 0.5, 0.4]),
    "validation/loss": np.array([0.8, 0.6, 0.7]),
    "validation/accuracy": np.full(3, np.nan),
}


@pytest.fixture(scope="module")
def config():
    """Addresses in it have passwords."""
    store = "tracking.uri='postgresql://me:geheim@h/db'"
    return read("+experiment=xor", "seed=3", store, "tracking.enabled=false", "+tracking.tags.team='<b>x</b>'")


@pytest.fixture
def written(tmp_path, config):
    """written(tracking..., dataset..., summary..., result...): the page of a run with these changes, None without."""

    def write(tracking=(), data=(), facts=(), outcome=()):
        dataset = dataclasses.replace(boolean("xor"), **dict(data))
        tracked = dataclasses.replace(config, tracking=dataclasses.replace(config.tracking, **dict(tracking)))
        run = RunSummary(
            name="a run",
            data="boolean",
            model="mlp 2-4-1",
            parameters=1017,
            metrics={"test/loss": 0.1234},
            stopped="epoch limit, after epoch 2",
            run_id="4711",
            folder="outputs/x",
            look="mlflow ui",
            gradient_check="jax.grad within 1e-16",
            times={"import": 0.5, "train": 2.0, "first_step": 1.0},
        )
        test = {"test/loss": 0.1234, "test/accuracy": 1.0}
        result = TrainingResult(PARAMS, HISTORY, {}, test, "epoch limit", 2, 8, 1, 2, 1.0)._replace(**dict(outcome))
        provenance = {"version.jax": "0.10", "device": "cpu", "processor": "p", "cores": "2", "result_digest": "d16e57"}
        provenance |= {"mlflow.source.git.commit": "c0ffee", "git.dirty": "True"}
        (tmp_path / "gradient_check.txt").write_text("parameter  by hand\nTheta 1    1e-16\n")
        (tmp_path / "figures").mkdir(exist_ok=True)
        for name in ("learning_curves", "norms"):
            (tmp_path / "figures" / f"{name}.png").write_bytes(PNG)
        run_page.write(tmp_path, dataclasses.replace(run, **dict(facts)), tracked, dataset, result, provenance)
        file = tmp_path / "report.html"
        return Page(file) if file.exists() else None

    return write


def test_results_come_first_then_settings_and_data(written):
    page = written()
    assert page.said("h1") == ["a run"]
    assert page.said("h2") == ["Results", "What ran", "Data", "Gradient check", "Figures", "Run it again"]
    page.check_alone()
    assert page.text.index("Learning curves.") < page.text.index("What ran")


def test_it_has_its_date_and_its_time(written):
    text = written().text
    assert f"Written on {datetime.now():%Y-%m-%d}" in text
    assert "total 2.5, first step after 1.0: import 0.5, train 2.0" in text


def test_few_parameters_are_shown(written):
    page = written(facts={"parameters": 3})
    assert "Parameters" in page.said("h2")
    assert "[[ 1. , -0.25]]" in page.said("td")


def test_settings_that_differ_come_first_and_the_others_are_folded(written, config):
    cells = written().said("code")
    assert cells[:3] == ["seed", "3", "0"], "a setting, its value, its default"
    changed = cells.index("model.hidden")
    assert cells[changed : changed + 3] == ["model.hidden", "[4]", "[300,100]"]
    assert changed < cells.index("tracking.tags.team") < cells.index("data.function")


def test_results_are_those_of_the_best_epoch_of_the_last_and_of_the_test(config):
    outcome = TrainingResult((), HISTORY, {}, {"test/loss": 0.1, "test/accuracy": 1.0}, "", 2, 8, 1, 2, 1.0)
    assert run_page.results(config, outcome) == [
        ["", "loss", "accuracy"],
        ["train, best epoch, 1", "0.5", "0.75"],
        ["validation, best epoch, 1", "0.6", "-"],
        ["train, last epoch, 2", "0.4", "0.8"],
        ["validation, last epoch, 2", "0.7", "-"],
        ["test, network of epoch 2", "0.1", "1"],
    ]
    alone = outcome._replace(best_epoch=None, history={key: HISTORY[key] for key in ("train/loss", "train/accuracy")})
    assert [line[0] for line in run_page.results(config, alone)[1:]] == [
        "train, last epoch, 2",
        "test, network of epoch 2",
    ]


def test_it_says_how_to_run_it_again_and_with_what_it_was_made(written):
    page = written()
    assert "nnjax reproduce 4711" in page.said("pre")
    assert [text for text in page.said("pre") if text.startswith("python -m nnjax.train seed=3 ")]
    assert "c0ffee" in page.text
    assert "with uncommitted changes" in page.text
    assert "nnjax reproduce outputs/x" in written(facts={"run_id": ""}).said("pre"), "of a run that no store knows"


def test_figures_are_inside_the_page_or_not_mentioned(written):
    picture, _ = written().of("img")
    assert base64.b64decode(picture["src"].removeprefix("data:image/png;base64,")) == PNG
    none = written(tracking={"figures": False})
    assert none.of("img") == []
    assert "Figures" not in none.said("h2")


def test_tracking_report_false_writes_no_page(written):
    assert written(tracking={"report": False}) is None


def test_a_notice_stands_with_the_data(written):
    assert "notice" not in [attributes.get("class") for attributes in written().of("p")]
    page = written(facts={"notice": "these are mnist_5k"})
    assert "notice" in [attributes.get("class") for attributes in page.of("p")]
    assert "these are mnist_5k" in page.text


def test_markup_from_outside_is_text(written):
    data = {"name": EVIL, "classes": (EVIL, '"><img src=x>'), "source": EVIL}
    page = written(data=data, facts={"name": EVIL, "notice": EVIL, "folder": EVIL, "run_id": ""})
    page.check_alone()
    assert page.said("h1") == [EVIL]
    assert f'2: {EVIL}, "><img src=x>' in page.text
    assert "<b>x</b>" in page.said("code")
    assert len(page.of("img")) == 2


def test_no_password_is_in_it(written, tmp_path):
    written(data={"source": "https://me:geheim@h/mnist"})
    text = (tmp_path / "report.html").read_text()
    assert "postgresql://h/db" in text
    assert "https://h/mnist" in text
    assert "geheim" not in text
