"""The pages build as a site that needs no network, and a broken link fails the build."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, all_pages

pytest.importorskip("mkdocs", reason="the dependency group docs is not installed: make docs")
pytestmark = pytest.mark.ci

ASSET = re.compile(r"<(?:script|img|source|iframe)\b[^>]*\bsrc=\"?([^\" >]+)|<link\b([^>]*)>", re.IGNORECASE)
IN_STYLES = re.compile(r"(?:url\(|@import )['\"]?(https?:[^'\")]+)")


def build(root: Path, site: Path) -> "subprocess.CompletedProcess[str]":
    """Build the project in a folder as a site, as `make docs` does."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(site)],
        cwd=root,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "NNJAX_REPOSITORY": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built."""
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stderr
    return folder


def assets(page: str) -> list[str]:
    """Return the addresses of all that a browser fetches to show a page."""
    found = []
    for source, link in ASSET.findall(page):
        if source:
            found.append(source)
        elif not re.search(r"rel=\"?(?:canonical|next|prev|edit)\b", link):
            found += re.findall(r"href=\"?([^\" >]+)", link)
    return found


def test_every_page_is_there(site: Path) -> None:
    pages = [page.removeprefix("docs/") for page in all_pages() if page.startswith("docs/")]
    for page in [*pages, "walk.md"]:
        folder = site / page.removesuffix(".md").removesuffix("README")
        assert (folder / "index.html").is_file(), page


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 15
    for page in pages:
        found = assets(page.read_text(encoding="utf-8"))
        assert found, page
        assert [address for address in found if re.match(r"(https?:)?//", address)] == [], page
    for style in site.rglob("*.css"):
        assert IN_STYLES.findall(style.read_text(encoding="utf-8")) == [], style


def test_no_python_file_is_published(site: Path) -> None:
    assert list(site.rglob("*.py")) == []


@pytest.mark.parametrize(
    "link",
    ["tutorial.md#no-such-heading", "guides/no_such_page.md", "../nnjax/no_such_file.py"],
)
def test_a_broken_link_fails_the_build(link: str, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    shutil.copy(ROOT / "mkdocs.yml", tmp_path / "project")
    shutil.copytree(ROOT / "docs", tmp_path / "project" / "docs")
    for name in ("README.md", "CONTRIBUTING.md", "LICENSE", "nnjax", "conf", "tests", "experiments", "hydra_plugins"):
        (tmp_path / "project" / name).symlink_to(ROOT / name)
    with (tmp_path / "project" / "docs" / "README.md").open("a", encoding="utf-8") as page:
        page.write(f"\n[A broken link]({link})\n")
    done = build(tmp_path / "project", tmp_path / "site")
    assert done.returncode != 0
    assert link in done.stderr
