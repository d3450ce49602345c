"""Learning curves: loss and accuracy over the epochs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from nnjax.reporting.figures.style import BLUE, GREEN, GREY, ORANGE, figure

LINES = {"train": (BLUE, "-", "o"), "validation": (ORANGE, "--", "s")}  # colour, line, marker
UNITS = {"cross_entropy": "nats per example", "log_loss": "nats per example"}
SECOND = {"accuracy": "accuracy (share of examples)", "rmse": "root mean squared error (units of the target)"}
FEW_EPOCHS = 40  # up to which each epoch has a mark
MIN_MARGIN = 0.008  # below the lowest accuracy on its axis
STEEP = 50  # largest loss / smallest, from which on an axis is logarithmic


def learning_curves(history: Mapping[str, NDArray[Any]], loss_name: str, best_epoch: int | None) -> Figure:
    """Draw the loss and beside it the accuracy (or rmse) over the epochs.

    history: arrays (epochs + 1,) by metric, `train/loss`, `validation/accuracy`, `test/loss`, ... Row 0 is the
    untrained network; NaN was not measured. Values of `test/*` are single marks with their number.
    """
    measured = {key.split("/")[-1] for key, values in history.items() if np.isfinite(values).any()}
    metrics = ["loss", *[name for name in SECOND if name in measured][:1]]
    rows = max(map(len, history.values()), default=0)
    chart = figure(8 if len(metrics) == 2 else 5, 4)
    for axes, metric in zip(np.atleast_1d(chart.subplots(1, len(metrics))), metrics, strict=True):
        curves = {name: history.get(f"{name}/{metric}", np.full(rows, np.nan)) for name in LINES}
        _draw_lines(axes, {name: values for name, values in curves.items() if np.isfinite(values).any()})
        _draw_test(axes, history.get(f"test/{metric}"))
        axes.set_ylabel(SECOND.get(metric, f"{loss_name} ({UNITS.get(loss_name, 'mean per example')})"))
        if best_epoch is not None:
            axes.axvline(best_epoch, color=GREY, linestyle=":", label=f"best epoch {best_epoch}")
        over_epochs(axes, metric, np.arange(rows), np.array([*curves.values()]))
        # loc="best" would look at each of thousands of points. A loss falls, an accuracy rises.
        if axes.get_legend_handles_labels()[0]:
            axes.legend(framealpha=0.9, edgecolor="none", loc="lower right" if metric == "accuracy" else "upper right")
    return chart


def _draw_lines(axes: Axes, curves: Mapping[str, NDArray[Any]]) -> None:
    for name, values in curves.items():
        colour, line, marker = LINES[name]
        epochs = np.flatnonzero(np.isfinite(values))
        mark = marker if len(epochs) <= FEW_EPOCHS else ""
        axes.plot(epochs, values[epochs], color=colour, linestyle=line, marker=mark, markersize=4, label=name)


def _draw_test(axes: Axes, values: NDArray[Any] | None) -> None:
    if values is None or not np.isfinite(values).any():
        return
    epoch = np.flatnonzero(np.isfinite(values))[-1]
    words = f"test {values[epoch]:.4g}"
    axes.plot(epoch, values[epoch], "*", color=GREEN, markersize=13, zorder=3, clip_on=False, label=words)


def over_epochs(axes: Axes, metric: str, epochs: NDArray[Any], values: NDArray[Any]) -> None:
    """Scale and label the axes of a metric over the epochs.

    A loss that falls far has a logarithmic axis. An accuracy's axis is that of the trained network; if the untrained
    one is far below, its value stands in the label. values (..., k) at epochs (k,), NaN where not measured.
    """
    axes.set_xlabel("epoch (0 = untrained)")
    axes.xaxis.set_major_locator(MaxNLocator(4 if epochs.max(initial=0) >= 10_000 else 6, integer=True))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    finite, trained = (array[np.isfinite(array)] for array in (values, values[..., epochs > 0]))
    if metric != "accuracy":
        if finite.size and 0 < STEEP * finite.min() < finite.max():
            axes.set_yscale("log")
            axes.minorticks_off()
    elif trained.size >= 4 and finite.min() < 2 * trained.min() - 1:
        margin = max(0.08 * np.ptp(trained), MIN_MARGIN)
        axes.set_ylim(trained.min() - margin, min(trained.max() + margin, 1 + margin / 16))
        axes.set_xlabel(f"epoch (untrained, below: {finite.min():.3f})")
