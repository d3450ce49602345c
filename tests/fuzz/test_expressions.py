"""The parser of Boolean expressions: any text, and expressions of which a few signs were changed."""

import numpy as np
from hypothesis import strategies as st

from nnjax.data.boolean.expressions import truth_table
from tests.data.boolean.random_expressions import draw
from tests.fuzz import answered, fuzzed

SIGNS = st.sampled_from(
    [*"x0123456789~&^|->()< \n\x00²x", "x1", "x12", "x13", "<->", "->", "(" * 3_000, "~" * 9_000, "x1&" * 3_000]
)


@st.composite
def mutated(choose):
    """An expression in which up to three signs were added, left out or replaced."""
    text = draw(
        np.random.default_rng(choose(st.integers(0, 2**32))), choose(st.integers(1, 12)), choose(st.integers(0, 6))
    )[0]
    for _ in range(choose(st.integers(0, 3))):
        start = choose(st.integers(0, len(text)))
        text = text[:start] + choose(st.one_of(st.just(""), SIGNS)) + text[start + choose(st.integers(0, 2)) :]
    return text


@fuzzed(st.one_of(mutated(), mutated(), st.lists(SIGNS, max_size=12).map("".join), st.text(max_size=30)))
def test_expressions(folder, text):
    found = answered(lambda: truth_table(text))
    if found is not None:
        assert found.dtype == bool
        assert len(found) in [2**k for k in range(1, 13)]
