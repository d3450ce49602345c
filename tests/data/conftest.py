"""Small collections in MNIST's form, and a server on this machine that can answer badly."""

import gzip
import hashlib
import http.server
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from nnjax.data.mnist.catalog import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, Collection


def idx_bytes(array: np.ndarray) -> bytes:
    """The idx form of unsigned bytes, written here a second time so that reader and writer cannot share a mistake."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def collect(folder: Path, name: str = "mnist", url: str = "http://127.0.0.1:9/", rows: int = 12) -> Collection:
    """Write four small files into `folder`; pixels are random, labels 0, 1, 2, 0, ...; return their Collection."""
    random = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    for images, labels, count in ((TRAIN_IMAGES, TRAIN_LABELS, rows), (TEST_IMAGES, TEST_LABELS, 5)):
        pixels = random.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        (folder / images).write_bytes(gzip.compress(idx_bytes(pixels)))
        (folder / labels).write_bytes(gzip.compress(idx_bytes(np.arange(count, dtype=np.uint8) % 3)))
    packed = {name: (folder / name).read_bytes() for name in (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)}
    unpacked = {name: gzip.decompress(content) for name, content in packed.items()}
    return Collection(name, url, sums(packed), sums(unpacked), ("zero", "one", "two"), seconds=1.0)


def sums(contents: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers from `folder`: fully, with 404, half of what it announces, a byte at a time, or not at all."""

    folder: Path
    manner: str
    asked: list[str]
    over: threading.Event

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.manner == "silent":
            self.over.wait(30)
            return
        file = self.folder / Path(self.path).name
        if self.manner == "404" or not file.is_file():
            self.send_error(404)
            return
        body = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._send(body)

    def _send(self, body: bytes) -> None:
        if self.manner == "half":
            body = body[: len(body) // 2]
        try:
            for start in range(0, len(body), 1 if self.manner == "drip" else len(body)):
                self.wfile.write(body[start : start + (1 if self.manner == "drip" else len(body))])
                if self.manner == "drip" and self.over.wait(0.05):
                    return
        except OSError:
            pass  # the client has given up, as it should

    def log_message(self, *_: object) -> None:
        pass


Serve = Callable[..., tuple[str, list[str]]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """serve(folder, manner) -> (url, paths asked for so far); manner: full, 404, half, drip or silent."""
    over, servers = threading.Event(), []

    def start(folder: Path, manner: str = "full") -> tuple[str, list[str]]:
        asked: list[str] = []
        handler = type("Bound", (Handler,), {"folder": folder, "manner": manner, "asked": asked, "over": over})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}/", asked

    yield start
    over.set()
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def make_collection() -> Callable[..., Collection]:
    return collect


@pytest.fixture
def make_idx() -> Callable[[np.ndarray], bytes]:
    return idx_bytes


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def real_mnist() -> Path:
    """The folder of MNIST's real files, which some machines have beside the checkout."""
    folder = Path(__file__).parents[3] / "shared" / "mnist"
    if not folder.is_dir():
        pytest.skip("the four real files are not in ../shared/mnist")
    return folder
