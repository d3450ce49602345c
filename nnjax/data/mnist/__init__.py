"""MNIST and Fashion-MNIST, from a mirror, the network, tensorflow_datasets or this package."""
