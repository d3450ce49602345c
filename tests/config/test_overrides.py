"""Completion of `nnjax-train` in bash: Hydra's script is called as bash calls it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import environment

ASK = """
eval "$(nnjax-train -sc install=bash)"
while IFS= read -r COMP_LINE; do
    words=($COMP_LINE)
    COMP_POINT=${#COMP_LINE} COMP_CWORD=$((${#words[@]} - 1))
    COMPREPLY=()
    $(complete -p nnjax-train | sed 's/.*-F \\([^ ]*\\).*/\\1/')
    echo "${COMPREPLY[*]}"
done
"""


@pytest.fixture
def program(tmp_path: Path) -> dict[str, str]:
    """Return an environment with `nnjax-train`, as pip makes it."""
    file = tmp_path / "nnjax-train"
    refused = "import sys; sys.modules.update(dict.fromkeys(('jax', 'mlflow', 'matplotlib', 'numpy')))"  # too slow
    file.write_text(f"#!{sys.executable}\n{refused}\nfrom nnjax.train import main\nmain()\n")
    file.chmod(0o755)
    variables = environment()
    return variables | {"PATH": f"{tmp_path}:{variables['PATH']}"}


@pytest.mark.ci
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_options_and_settings(program):
    lines = {
        "nnjax-train optimizer=": "optimizer=adam optimizer=adamw optimizer=momentum optimizer=nesterov "
        "optimizer=rmsprop optimizer=sgd",
        "nnjax-train +experiment=mnist": "+experiment=mnist +experiment=mnist_lenet5",
        "nnjax-train experiment=xor 'model.hidden=[8]' model=softmax optimizer.b": "optimizer.b1= optimizer.b2=",
        "nnjax-train 'model.hid": "",
        "nnjax-train no=such optimizer.": "",
    }
    done = subprocess.run(
        ["bash", "-c", ASK], input="\n".join([*lines, ""]), env=program, capture_output=True, text=True, timeout=120
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == list(lines.values())


def test_completion_for_a_module_is_refused(tmp_path):
    line = [sys.executable, "-m", "nnjax.train", "-sc", "install=bash"]
    done = subprocess.run(line, cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: -sc install=bash: shells complete commands by their name. Allowed: nnjax-train -sc install=bash.\n"
    )
