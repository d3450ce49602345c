"""Make the project's environment and run Python in it. The Makefile calls this; it needs the standard library alone.

    python3 environment.py                            make .venv with the packages that nnjax needs
    python3 environment.py --group test -- -m pytest  add those of a dependency group, then run Python
    python3 environment.py --python python3.12 ...    do the same with that interpreter, in .venv-3.12
    python3 environment.py --lock                     compile constraints.txt again (--upgrade: with newer versions)

uv installs the packages: the uv on the PATH, else one that pip brings into .uv; where neither can be had, pip does it.
constraints.txt fixes the versions. uv reads no pip.conf, so it is told what pip was told about indexes.
"""

from __future__ import annotations  # any Python 3 may start this file

import argparse
import ast
import contextlib
import fcntl
import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator

VERSIONS = ("3.11", "3.12", "3.13")
DECIDING = ("pyproject.toml", "constraints.txt")  # what is installed follows from these
LOCKED = "--group=build --group=test --group=lint --group=notebook --group=screenshots --group=docs --group=postgresql"
HEADER = """\
# The versions that the Makefile installs, for Python 3.11 to 3.13 on Linux and macOS. `make lock` compiles this file
# from pyproject.toml; `make lock ARGS=--upgrade` takes the newest versions.
"""
# What pip is told about indexes, and the variables by which uv is told the same: one that is set already wins.
VARIABLES = {
    "index-url": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "extra-index-url": ("UV_INDEX", "UV_EXTRA_INDEX_URL"),
    "find-links": ("UV_FIND_LINKS",),
    "trusted-host": ("UV_INSECURE_HOST",),
    "cert": ("SSL_CERT_FILE",),
    "client-cert": ("SSL_CLIENT_CERT",),
    "proxy": ("ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"),
    "timeout": ("UV_HTTP_TIMEOUT",),
}


def main() -> int:
    """Make the environment that the command line asks for, then run its command there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default="", help="the interpreter to make the environment with")
    parser.add_argument("--group", action="append", default=[], help="a dependency group of pyproject.toml")
    parser.add_argument("--lock", action="store_true", help="compile constraints.txt")
    parser.add_argument("--upgrade", action="store_true", help="with --lock: take the newest versions")
    parser.add_argument("command", nargs="*", help="arguments of Python, such as: -- -m pytest")
    options = parser.parse_args()
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    if options.lock:
        return compile_constraints(interpreter(options.python)[1], options.upgrade)
    folder = ".venv" + ("-" + interpreter(options.python)[0] if options.python else "")
    if not is_ready(folder, options.group):
        with one_at_a_time() as lock:
            if not is_ready(folder, options.group):  # another process, which was waited for, may have made it
                set_up(folder, options.group, options.python, lock)
    if options.command:
        os.execv(folder + "/bin/python", [folder + "/bin/python", *options.command])
    print(folder + " is ready.")
    return 0


def interpreter(name: str) -> tuple[str, str]:
    """Return the version and the path of the first Python in VERSIONS: `name`, or what is installed."""
    names = [name] if name else ["python3", "python3.12", "python3.13", "python3.11"]
    # pyenv's commands on the PATH fail for every version but the chosen one, so its folder is searched too.
    pyenv = os.path.join(os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv"), "versions", "*", "bin")
    question = "import sys; print('%d.%d' % sys.version_info[:2], getattr(sys, '_base_executable', sys.executable))"
    for each in names:
        for path in [shutil.which(each), *sorted(glob.glob(os.path.join(pyenv, each)))]:
            version, _, executable = output([path, "-c", question]).partition(" ") if path else ("", "", "")
            if version in VERSIONS:
                return version, executable
    sys.exit(
        "nnjax needs Python 3.11 to 3.13, tried: "
        + " ".join(names)
        + ". Name one: make setup PYTHON=/path/of/python3.12"
    )


def output(command: list[str]) -> str:
    """Return what a command prints on standard output, without white space at its ends; '' where it fails."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""


# --- whether there is something to do --------------------------------------------------------------------------------


def digest() -> str:
    """Return the sha256 (hex) of the files that decide what is installed."""
    total = hashlib.sha256()
    for name in DECIDING:
        with open(name, "rb") as file:
            total.update(file.read())
    return total.hexdigest()


def read_stamp(folder: str) -> dict[str, list[str]]:
    """Return the digest and the groups of a finished environment; {} where it is missing, broken or half-made."""
    try:
        with open(folder + "/ready.json", encoding="utf-8") as file:
            stamp: dict[str, list[str]] = json.load(file)
    except (OSError, ValueError):
        return {}
    return stamp if os.path.exists(folder + "/bin/python") else {}


def is_ready(folder: str, groups: Iterable[str]) -> bool:
    """Return whether the environment has these groups, as pyproject.toml and constraints.txt now say."""
    stamp = read_stamp(folder)
    return stamp.get("digest") == [digest()] and set(groups) <= set(stamp["groups"])


@contextlib.contextmanager
def one_at_a_time() -> Iterator[int]:
    """Hold a lock; yield its descriptor. It ends with this process and those that got the descriptor."""
    with open(__file__, "rb") as file:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


# --- set-up ----------------------------------------------------------------------------------------------------------


def set_up(folder: str, groups: Iterable[str], name: str, lock: int) -> None:
    """Install nnjax, editable, with these groups and those that were there; write the stamp last.

    An environment without a stamp is half-made and made again. Where nothing could be installed (no network, say) the
    stamp comes back: uv and pip fetch everything before they change anything.
    """
    stamp, stamp_file = read_stamp(folder), folder + "/ready.json"
    if not stamp:
        version, python = interpreter(name)
        print("Setting up " + folder + " with Python " + version + ": once, about a minute (1 GB).", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        if subprocess.run([python, "-m", "venv", folder]).returncode != 0:
            sys.exit(1)
    else:
        print("Bringing " + folder + " up to date.", flush=True)
        os.unlink(stamp_file)
    groups = sorted({*groups, *stamp.get("groups", [])})
    installed = install(folder + "/bin/python", groups, lock)
    if installed:
        stamp = {"digest": [digest()], "groups": groups}
    if stamp:
        with open(stamp_file, "w", encoding="utf-8") as file:
            json.dump(stamp, file)
    if not installed:
        sys.exit(1)


def install(python: str, groups: list[str], lock: int) -> bool:
    """Return whether uv, or else pip, has installed nnjax with these groups."""
    wanted = ["--editable", ".", *requirements(python, groups)]
    uv = find_uv(python)
    if uv:
        by_uv = [uv, "pip", "install", "--quiet", "--python", python, "--constraints", "constraints.txt"]
        # Imports compile modules to bytecode and keep it, which is sooner than all at once; unless they may not.
        by_uv += ["--compile-bytecode"] if sys.dont_write_bytecode else []
        by_uv += ["--build-constraints", "constraints.txt", *wanted]
        if subprocess.run(by_uv, env=uv_environment(python), pass_fds=[lock]).returncode == 0:
            return True
    print("uv " + ("failed" if uv else "can't be had") + ", so pip installs the packages: some minutes.", flush=True)
    # Older pips read the first variable for the packages that they build, newer ones the second.
    pinned = {"PIP_CONSTRAINT": "constraints.txt", "PIP_BUILD_CONSTRAINT": "constraints.txt"}
    by_pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *wanted]
    return subprocess.run(by_pip, env={**os.environ, **pinned}, pass_fds=[lock]).returncode == 0


def requirements(python: str, groups: list[str]) -> list[str]:
    """Return the requirements of dependency groups (PEP 735), those of the groups that they include among them."""
    question = (
        "import json, tomllib; print(json.dumps(tomllib.load(open('pyproject.toml', 'rb'))['dependency-groups']))"
    )
    table = json.loads(output([python, "-c", question]))

    def lines(group: str) -> list[str]:
        entries = [[entry] if isinstance(entry, str) else lines(entry["include-group"]) for entry in table[group]]
        return [line for entry in entries for line in entry]

    return [line for group in groups for line in lines(group)]


def find_uv(python: str) -> str:
    """Return the path of uv: on the PATH, or in .uv, where pip puts it; '' where it can't be had."""
    for _ in range(2):
        for path in (shutil.which("uv"), ".uv/bin/uv"):
            if path and output([path, "--version"]):
                return path
        shutil.rmtree(".uv", ignore_errors=True)
        output([python, "-m", "pip", "install", "--target", ".uv", "--constraint", "constraints.txt", "uv"])
    return ""


def uv_environment(python: str) -> dict[str, str]:
    """Return the variables for uv: this process's, and what pip is told about indexes where uv is told nothing."""
    found = {}
    # pip's own order: its [global] settings, then those of the command, then PIP_* variables.
    lines = output([python, "-m", "pip", "config", "list"]).splitlines()
    for section in ("global.", "install.", ":env:."):
        for line in lines:
            key, _, value = line.partition("=")
            if key.startswith(section):
                found[key[len(section) :].replace("default-timeout", "timeout")] = ast.literal_eval(value).split()
    told = {}
    for key, names in VARIABLES.items():
        if key in found and not any(name in os.environ for name in names):
            told[names[0]] = ("," if key == "find-links" else " ").join(found[key])
    if "UV_INDEX" in told:
        # pip takes the best version of all indexes; uv by default the first index that has the package at all.
        told["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    told["UV_PYTHON_DOWNLOADS"] = "never"
    return {**told, **os.environ}


def compile_constraints(python: str, upgrade: bool) -> int:
    """Compile constraints.txt from pyproject.toml, names and versions alone; return the exit code."""
    command = [find_uv(python), "pip", "compile", "--quiet", "--universal", "--python-version", VERSIONS[0]]
    command += ["--no-header", "--no-annotate", *LOCKED.split(), *(["--upgrade"] if upgrade else [])]
    command += ["--output-file", "constraints.txt", "pyproject.toml"]
    code = subprocess.run(command, env=uv_environment(python)).returncode
    with open("constraints.txt", encoding="utf-8") as file:
        pins = [line for line in file if not line.startswith("#")]
    with open("constraints.txt", "w", encoding="utf-8") as file:
        file.write(HEADER + "".join(pins))
    return code


if __name__ == "__main__":
    sys.exit(main())
