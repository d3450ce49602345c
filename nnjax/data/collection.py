"""What there is to know about a collection in MNIST's form before a byte of it is read: names, address, sha256."""

from collections.abc import Mapping
from typing import NamedTuple

TRAIN_IMAGES = "train-images-idx3-ubyte.gz"
TRAIN_LABELS = "train-labels-idx1-ubyte.gz"
TEST_IMAGES = "t10k-images-idx3-ubyte.gz"
TEST_LABELS = "t10k-labels-idx1-ubyte.gz"


class Collection(NamedTuple):
    """Four idx files and where they live.

    name: the data set's name; url: the address their names are appended to; sha256: file name to hex digest, exactly
    the four names above; classes: names by class index; seconds: the longest that an unasked-for download may try.
    """

    name: str
    url: str
    sha256: Mapping[str, str]
    classes: tuple[str, ...]
    seconds: float = 10.0


# Addresses and sums: tensorflow-datasets 4.9.10, url_checksums/mnist.txt and url_checksums/fashion_mnist.txt.
MNIST = Collection(
    name="mnist",
    url="https://storage.googleapis.com/cvdf-datasets/mnist/",
    sha256={
        TRAIN_IMAGES: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        TRAIN_LABELS: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        TEST_IMAGES: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        TEST_LABELS: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
    classes=tuple("0123456789"),
)

# The ten words: Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747, table 2.
FASHION_MNIST = Collection(
    name="fashion_mnist",
    url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    sha256={
        TRAIN_IMAGES: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        TRAIN_LABELS: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        TEST_IMAGES: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        TEST_LABELS: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
    classes=("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
