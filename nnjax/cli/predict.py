"""`nnjax predict RUN FILE`: what a trained network makes of pictures, tables or arrays (L38), by NumPy alone."""

import argparse
import csv
import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nnjax.cli.compare import SHOWN, aligned
from nnjax.errors import InputError
from nnjax.inference import inputs
from nnjax.inference.predictor import Predictor
from nnjax.runs import load

HELP = "print what a trained network says to pictures, tables or arrays: classes, or numbers of a regression"
FORMATS = (".png", ".pdf", ".svg", ".jpg")
FEW = 12  # inputs of a row that are printed with it
RANKS = ("", "second", "third")
INK = 0.4  # of the brightest: pixels above are printed


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which network, what it is asked, and how the answer is given."""
    parser.add_argument("trained", metavar="RUN", help=load.ABOUT)
    parser.add_argument("file", metavar="FILE", type=Path, help="a picture, a folder of pictures, .csv, .npy or .npz")
    parser.add_argument("--csv", action="store_true", help="all rows as comma-separated values")
    parser.add_argument("--show", metavar="PICTURE", type=Path, help="write what the network saw, such as seen.png")
    parser.add_argument(
        "--uri", metavar="URI", help="the store; else MLFLOW_TRACKING_URI, else mlflow.db in this folder"
    )


def run(given: argparse.Namespace) -> None:
    """Prints the answers.

    Raises:
        InputError: network or file aren't there or don't fit; or some pictures can't be used, once the others are told.
    """
    if given.show is not None and given.show.suffix.lower() not in FORMATS:
        raise InputError(f"--show={given.show}: must be a picture's name; allowed: {', '.join(FORMATS)}")
    network = load.find(given.trained, given.uri, Path.cwd()).predictor
    preprocessing = network.metadata["preprocessing"]
    features = network.metadata.get("features") or ()
    side, asked = (
        inputs.picture_side(preprocessing),
        inputs.read(Path(os.path.expanduser(given.file)), preprocessing, features),
    )
    if given.show is not None and side is None:
        shape = inputs.describe_shape(preprocessing)
        raise InputError(f"--show={given.show}: the network must be one of pictures, this one takes {shape}")
    lines = table(network, asked)
    if given.csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows(lines)
    else:
        print(aligned(lines[: SHOWN + 1]))
        if len(lines) > SHOWN + 1:
            print(f"... and {len(lines) - SHOWN - 1:,} more: --csv prints all")
    if side is not None:
        show(given, network, asked, side)
    if asked.refused:
        raise InputError("; ".join(asked.refused))


def show(given: argparse.Namespace, network: Predictor, asked: inputs.Inputs, side: int) -> None:
    """Writes what the network saw to a picture, or where none is wanted draws a single one in the terminal."""
    seen = network.preprocess(asked.rows).reshape(-1, side, side)
    if given.show is not None:
        from nnjax.reporting.figures import seen as figures

        names = asked.names if len(seen) > 1 and given.file.is_dir() else ()
        figures.seen(seen, answers(network, asked.rows), names).savefig(given.show)
        print(f"what the network saw: {given.show}", file=sys.stderr)
    elif len(seen) == 1 and not given.csv and encodable("▀▄█"):
        print(drawn(seen[0]))


def table(network: Predictor, asked: inputs.Inputs) -> list[list[str]]:
    """A line of names, then a line a row: what it is called, its inputs if they are few, then the answer."""
    classes, rows = network.metadata.get("classes"), asked.rows
    flat = rows.reshape(len(rows), -1)
    named = network.metadata.get("features") or [f"x{i}" for i in range(1, flat.shape[1] + 1)]
    named = named if len(named) <= FEW else []
    h = network.outputs(rows)
    if not classes:
        head, given = [network.metadata["target"]["name"]], [[f"{each:.6g}"] for each in h[:, 0]]
    elif h.shape[1] == 1:
        head = ["h", "class"]
        given = [[f"{value:.6g}", classes[k]] for value, k in zip(h[:, 0], network.classes(rows), strict=True)]
    else:
        head, given = ranked(network, rows)
    first = [
        [name, *(f"{value:g}" for value in row[: len(named)])] for name, row in zip(asked.names, flat, strict=True)
    ]
    return [["input", *named, *head], *([*a, *b] for a, b in zip(first, given, strict=True))]


def ranked(network: Predictor, rows: NDArray[np.generic]) -> tuple[list[str], list[list[str]]]:
    """The classes with the three largest outputs, the largest first: argmax (L38)."""
    classes, h, order = network.metadata["classes"], network.outputs(rows), ranking(network, rows)
    word = (
        "probability" if network.metadata["output"] == "softmax" else "h"
    )  # those of one-vs-rest sum to anything (L6)
    ranks = RANKS[: min(len(RANKS), h.shape[1])]
    head = [name for rank in ranks for name in (rank or "class", f"{rank} {word}".strip())]
    lines = [
        [word for k in best[: len(ranks)] for word in (classes[k], f"{values[k]:.4f}")]
        for best, values in zip(order, h, strict=True)
    ]
    return head, lines


def ranking(network: Predictor, rows: NDArray[np.generic]) -> NDArray[np.int64]:
    """Class indices (n, K), the largest output first; by logits: outputs far out round to 1 alike."""
    return np.argsort(-network.logits(rows), axis=1, kind="stable")


def answers(network: Predictor, rows: NDArray[np.generic]) -> list[str]:
    """`7, 0.998` for each row: its class, if there are classes, and that output."""
    classes, h = network.metadata.get("classes"), network.outputs(rows)
    if not classes:
        return [f"{each:.4g}" for each in h[:, 0]]
    best = network.classes(rows)
    values = h[:, 0] if h.shape[1] == 1 else h[np.arange(len(h)), best]
    return [f"{classes[k]}, {value:.3f}" for k, value in zip(best, values, strict=True)]


def drawn(image: NDArray[np.floating]) -> str:
    """A picture (h, w) in half as many lines of block characters: what is bright in it."""
    bright = image > image.min() + INK * max(image.max() - image.min(), 1e-6)
    padded = np.concatenate([bright, np.zeros((len(bright) % 2, bright.shape[1]), bool)])
    pairs = zip(padded[::2], padded[1::2], strict=True)
    lines = ("".join(" ▄▀█"[2 * int(a) + int(b)] for a, b in zip(*pair, strict=True)).rstrip() for pair in pairs)
    return "\n".join(lines)


def encodable(text: str) -> bool:
    """Whether the terminal can show these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
