"""MNIST and Fashion-MNIST, read from a mirror, the network, tensorflow_datasets or the package itself."""
