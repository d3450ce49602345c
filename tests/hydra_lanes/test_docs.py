"""The script of docs/guides/lanes_for_any_script.md runs as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


pytestmark = pytest.mark.ci


def test_the_script_of_the_page_is_short_and_prints_what_the_page_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "guides" / "lanes_for_any_script.md").read_text(encoding="utf-8")
    script = page.split("```python\n")[1].split("```")[0]
    assert len([line for line in script.splitlines() if line.strip()]) <= 21
    (tmp_path / "sweep.py").write_text(script, encoding="utf-8")
    found = re.search(r"^\$ JAX_PLATFORMS=cpu python (sweep\.py -m hydra/sweeper=lanes .*)$", page, re.MULTILINE)
    assert found
    done = subprocess.run(
        [sys.executable, *found[1].split()],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "2 jobs of 4 lanes each (seed, rate)" in done.stdout
    printed = re.findall(r"^(4 lanes of \d+ steps): \[(.*)\]$", done.stdout, re.MULTILINE)
    promised = re.findall(r"^(4 lanes of \d+ steps): \[(.*)\]$", page, re.MULTILINE)[:2]
    assert [name for name, _ in printed] == [name for name, _ in promised]
    for (_, now), (_, then) in zip(printed, promised, strict=True):
        assert [round(float(x), 3) for x in now.split()] == [round(float(x), 3) for x in then.split()]
