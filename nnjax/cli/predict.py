"""`nnjax predict RUN FILE`: the answers of a trained network to images, tables or arrays (L38), by NumPy alone."""

import argparse
import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nnjax.cli.arguments import add_csv, add_run, add_store
from nnjax.cli.table import print_table
from nnjax.errors import InputError
from nnjax.inference import inputs
from nnjax.inference.predictor import Predictor
from nnjax.runs import load

HELP = "print the answers of a trained network to images, tables or arrays: classes, or numbers of a regression"
FORMATS = (".png", ".pdf", ".svg", ".jpg")
MAX_INPUTS = 12  # of a row, up to which they are printed with its answer
RANKS = ("", "second", "third")
INK = 0.4  # of the brightest pixel: brighter ones are printed


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the network, its inputs, and how the answers are shown."""
    add_run(parser)
    parser.add_argument("file", metavar="FILE", type=Path, help="an image, a folder of images, .csv, .npy or .npz")
    add_csv(parser)
    parser.add_argument("--show", metavar="IMAGE", type=Path, help="write what the network saw, such as seen.png")
    add_store(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print the answers.

    Raises InputError if network or file are missing or do not fit each other. If some images of a folder can't be used,
    it is raised after the others are answered.
    """
    image_file = arguments.show
    if image_file is not None and image_file.suffix.lower() not in FORMATS:
        raise InputError(f"--show={image_file} is not an image's name. Allowed: names ending with {', '.join(FORMATS)}")
    network = load.find(arguments.trained, arguments.uri, Path.cwd()).predictor
    preprocessing = network.metadata["preprocessing"]
    side, features = inputs.picture_side(preprocessing), network.metadata.get("features") or ()
    questions = inputs.read(Path(os.path.expanduser(arguments.file)), preprocessing, features)
    if image_file is not None and side is None:
        shape = inputs.described(preprocessing)
        raise InputError(f"--show={image_file} needs a network of images; this one takes {shape}. Allowed: no --show.")
    print_table(table(network, questions), arguments.csv)
    if side is not None:
        show(arguments, network, questions, side)
    if questions.refused:
        raise InputError("; ".join(questions.refused))


def show(arguments: argparse.Namespace, network: Predictor, questions: inputs.Inputs, side: int) -> None:
    """Write what the network saw to --show; without it, draw a single image in the terminal."""
    images = network.inputs(questions.rows).reshape(-1, side, side)
    if arguments.show is not None:
        from nnjax.reporting.figures.seen import seen

        names = questions.names if len(images) > 1 and arguments.file.is_dir() else ()
        seen(images, answers(network, questions.rows), names).savefig(arguments.show)
        print(f"what the network saw: {arguments.show}", file=sys.stderr)
    elif len(images) == 1 and not arguments.csv and encodable("▀▄█"):
        print(draw_blocks(images[0]))


def table(network: Predictor, questions: inputs.Inputs) -> list[list[str]]:
    """Return a line of names, then a line for each row: its name, its inputs if they are few, its answer."""
    classes, rows = network.metadata.get("classes"), questions.rows
    flat = rows.reshape(len(rows), -1)
    features = network.metadata.get("features") or [f"x{i}" for i in range(1, flat.shape[1] + 1)]
    features = features if len(features) <= MAX_INPUTS else []
    h = network.outputs(rows)
    if not classes:
        head, cells = [network.metadata["target"]["name"]], [[f"{value:.6g}"] for value in h[:, 0]]
    elif h.shape[1] == 1:
        head = ["h", "class"]
        cells = [[f"{value:.6g}", classes[k]] for value, k in zip(h[:, 0], network.classes(rows), strict=True)]
    else:
        head, cells = ranked_classes(network, rows)
    lines = [
        [name, *(f"{value:g}" for value in row[: len(features)]), *answer]
        for name, row, answer in zip(questions.names, flat, cells, strict=True)
    ]
    return [["input", *features, *head], *lines]


def ranked_classes(network: Predictor, rows: NDArray[np.generic]) -> tuple[list[str], list[list[str]]]:
    """Return names, and for each row the classes with the three largest outputs, the largest first: argmax (L38)."""
    classes, h, order = network.metadata["classes"], network.outputs(rows), ranking(network, rows)
    word = "probability" if network.metadata["output"] == "softmax" else "h"  # h of one-vs-rest need not sum to 1 (L6)
    ranks = RANKS[: min(len(RANKS), h.shape[1])]
    head = [name for rank in ranks for name in (rank or "class", f"{rank} {word}".strip())]
    lines = [
        [cell for k in best[: len(ranks)] for cell in (classes[k], f"{values[k]:.4f}")]
        for best, values in zip(order, h, strict=True)
    ]
    return head, lines


def ranking(network: Predictor, rows: NDArray[np.generic]) -> NDArray[np.int64]:
    """Return class indices (n, K), the largest output first, by logits: large outputs are all rounded to 1."""
    return np.argsort(-network.logits(rows), axis=1, kind="stable")


def answers(network: Predictor, rows: NDArray[np.generic]) -> list[str]:
    """Return `7, 0.998` for each row: its class and that output; of a regression the number."""
    classes, h = network.metadata.get("classes"), network.outputs(rows)
    if not classes:
        return [f"{value:.4g}" for value in h[:, 0]]
    best = network.classes(rows)
    values = h[:, 0] if h.shape[1] == 1 else h[np.arange(len(h)), best]
    return [f"{classes[k]}, {value:.3f}" for k, value in zip(best, values, strict=True)]


def draw_blocks(image: NDArray[np.floating]) -> str:
    """Return the bright parts of an image (h, w) as block characters, two rows of pixels in each line."""
    bright = image > image.min() + INK * max(image.max() - image.min(), 1e-6)
    padded = np.concatenate([bright, np.zeros((len(bright) % 2, bright.shape[1]), bool)])
    pairs = zip(padded[::2], padded[1::2], strict=True)
    lines = ("".join(" ▄▀█"[2 * int(a) + int(b)] for a, b in zip(*pair, strict=True)).rstrip() for pair in pairs)
    return "\n".join(lines)


def encodable(text: str) -> bool:
    """Return whether the terminal can show these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
