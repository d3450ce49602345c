"""The loss over a plane of parameters, and where trainings end on it: local minima (L24)."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from nnjax.reporting.figures.curves import STEEP
from nnjax.reporting.figures.style import COLOURS, GREY, figure, message

LEVELS = 12  # lines of equal loss


def loss_surface(
    alpha: NDArray[Any],
    beta: NDArray[Any],
    losses: NDArray[Any],
    paths: Sequence[NDArray[Any]] = (),
    reached: Sequence[float] = (),
    names: tuple[str, str] = ("alpha", "beta"),
) -> Figure:
    """losses (n, m) at beta (n,) and alpha (m,), and on it each training from its start (circle) to its end (star).

    alpha and beta grow; paths: points (steps, 2) of (alpha, beta), one array a training; reached: the loss at the end
    of each. The legend lists the minima, one to a loss of three digits, the lowest first, the lowest six by colour.
    A path may leave the plane drawn. The scale is logarithmic where losses differ much.
    """
    finite = losses[np.isfinite(losses)]
    if not finite.size:
        return message("no surface to draw: no loss is finite")
    made = figure(8 if len(paths) else 6.6, 5.6)
    axes = made.subplots()
    low, high = float(finite.min()), float(finite.max())
    steep = 0 < STEEP * low < high
    norm = LogNorm(low, high) if steep else Normalize(low, high)
    shown = np.ma.masked_invalid(losses)
    shades = axes.pcolormesh(alpha, beta, shown, cmap="cividis", norm=norm, shading="nearest", rasterized=True)
    made.colorbar(shades, label="loss", fraction=0.05)
    if high > low:
        levels = np.geomspace(low, high, LEVELS) if steep else np.linspace(low, high, LEVELS)
        axes.contour(alpha, beta, shown, levels=levels[1:-1], colors="white", linewidths=0.5, alpha=0.6)
    axes.set(xlim=(alpha[0], alpha[-1]), ylim=(beta[0], beta[-1]), xlabel=names[0], ylabel=names[1])
    axes.set_title("loss surface" + (f", {len(paths)} trainings from circle to star" if len(paths) else ""))
    minima = Counter(f"{loss:.3g}" for loss in np.sort(np.asarray(reached, float)))
    colours = dict(zip(minima, COLOURS, strict=False))
    for path, loss in zip(paths, reached, strict=True):
        _path(axes, path, colours.get(f"{loss:.3g}", GREY))
    if minima:
        handles = [_star(colour, f"{loss} ({minima[loss]} of {len(paths)})") for loss, colour in colours.items()]
        higher = len(paths) - sum(minima[loss] for loss in colours)
        handles += [_star(GREY, f"higher ({higher} of {len(paths)})")] if higher else []
        made.legend(handles=handles, loc="outside right upper", title="loss at the end", frameon=False)
    return made


def _path(axes: Axes, path: NDArray[Any], colour: str) -> None:
    axes.plot(*path.T, color=colour, linewidth=1.6, path_effects=[withStroke(linewidth=3, foreground="white")])
    axes.scatter(path[0, 0], path[0, 1], s=45, facecolor="white", edgecolor=colour, linewidth=1.6, zorder=3)
    axes.scatter(path[-1, 0], path[-1, 1], s=190, marker="*", color=colour, edgecolor="black", zorder=4)


def _star(colour: str, label: str) -> Line2D:
    return Line2D([], [], color=colour, marker="*", markersize=13, markeredgecolor="black", linestyle="", label=label)
