"""Addresses and sums are tensorflow-datasets' own."""

import pytest
import tensorflow_datasets as tfds

from nnjax.data.mnist.catalog import FASHION_MNIST, MNIST


@pytest.mark.parametrize("collection", [MNIST, FASHION_MNIST], ids=lambda collection: collection.name)
def test_addresses_and_sums_are_those_of_tensorflow_datasets(collection):
    table = tfds.core.tfds_path("url_checksums") / f"{collection.name}.txt"
    rows = [line.split("\t") for line in table.read_text().splitlines()]
    assert {row[0]: row[2] for row in rows} == {collection.url + name: sha for name, sha in collection.sha256.items()}


def test_ten_classes_each():
    assert MNIST.classes == tuple("0123456789")
    assert len(set(FASHION_MNIST.classes)) == 10
    assert (FASHION_MNIST.classes[0], FASHION_MNIST.classes[9]) == ("T-shirt/top", "Ankle boot")
