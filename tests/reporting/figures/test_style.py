"""A sheet holds every image once, where its corner says."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import nnjax.reporting.figures
from nnjax.reporting.figures.curves import learning_curves
from nnjax.reporting.figures.style import message, save, sheet, shorten


def test_a_sheet_holds_each_image_at_its_corner():
    images = np.random.default_rng(0).normal(size=(7, 6, 5))
    paper, corners = sheet(images, columns=3, above=2)
    for image, (x, y) in zip(images, corners, strict=True):
        np.testing.assert_array_equal(paper[y : y + 6, x : x + 5], image)
    assert np.isfinite(paper).sum() == images.size  # no two overlap, and the rest is empty


def test_saving_draws_once_what_savefig_draws_twice(monkeypatch):
    figure = learning_curves(
        {"train/loss": np.array([1.0, 0.5]), "train/accuracy": np.array([0.5, 0.7])}, "cross_entropy", None
    )
    figure.savefig(expected := io.BytesIO(), format="png")
    drawings, draw = [], type(figure).draw
    monkeypatch.setattr(type(figure), "draw", lambda self, renderer: (drawings.append(1), draw(self, renderer)))
    save(figure, once := io.BytesIO())
    pixels = [np.asarray(Image.open(file)) for file in (expected, once)]
    np.testing.assert_array_equal(*pixels)
    assert len(drawings) == 1


def test_a_saved_figure_names_its_run_inside_its_frame():
    save(figure := message("nothing"), io.BytesIO(), name := "mlp 2-4-1 adam XOR seed 0, $5")
    label = figure.texts[-1]
    assert label.get_text() == name.replace("$", r"\$")
    assert figure.bbox.contains(*label.get_window_extent().min)


def test_a_name_is_shortened_in_its_middle():
    assert shorten("abcdefghij", 10) == "abcdefghij"
    assert shorten("abcdefghijk", 10) == "abcde…hijk"
    assert shorten("abcdefghijk", 5) == "ab…jk"


def test_figures_never_touch_pyplot():
    folder = Path(nnjax.reporting.figures.__file__).parent
    root, rooms = (
        folder.parents[2],
        ", ".join(f"nnjax.reporting.figures.{path.stem}" for path in folder.glob("[a-z]*.py")),
    )
    code = f"import sys; sys.path.insert(0, {str(root)!r}); import {rooms}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not {"matplotlib.pyplot", "jax", "mlflow", "hydra"} & set(done.stdout.split())
