"""Expressions drawn at random, each with what it means: a Python function of the inputs x (rows, k)."""

import numpy as np

MEANINGS = {
    "&": lambda a, b: a & b,
    "^": lambda a, b: a != b,
    "|": lambda a, b: a | b,
    "->": lambda a, b: ~a | b,
    "<->": lambda a, b: a == b,
}


def draw(generator, inputs, depth):
    """(text, meaning): up to 2^depth leaves of x1..x{inputs}, every operation in parentheses."""
    if depth == 0 or generator.random() < 0.1:
        if generator.random() < 0.05:
            value = bool(generator.integers(2))
            return str(int(value)), lambda x: np.full(len(x), value)
        number = int(generator.integers(inputs))
        return f"x{number + 1}", lambda x: x[:, number]
    left, left_means = draw(generator, inputs, depth - 1)
    if generator.random() < 0.15:
        return f"~{left}", lambda x: ~left_means(x)
    right, right_means = draw(generator, inputs, depth - 1)
    operation = str(generator.choice(list(MEANINGS)))
    return f"({left} {operation} {right})", lambda x: MEANINGS[operation](left_means(x), right_means(x))
