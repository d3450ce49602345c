"""nnjax and its peers side by side on equal work, and how near the machine's own speed they are.

python -m experiments.benchmarks [WORK ...] [--rounds 9] [--mirror FOLDER] [--picture FILE]

Works are those of works.py that nnjax trains; FOLDER has MNIST's four files, else random digits stand in for them.
Peers: pip install -e '.[peers]'; one that is absent is named as absent.
"""

import argparse

from experiments.benchmarks import report
from experiments.benchmarks.peers import OURS, PEERS
from experiments.benchmarks.side_by_side import measure
from experiments.benchmarks.works import WORKS


def main() -> None:
    """Prints two tables and records a run."""
    ours = [name for name, work in WORKS.items() if work.model in PEERS[OURS].models]
    parser = argparse.ArgumentParser(prog="python -m experiments.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("works", nargs="*", default=[], metavar="WORK", help=f"of {', '.join(ours)}; default: all")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each side that are counted")
    parser.add_argument("--mirror", help="the folder with MNIST's four files")
    parser.add_argument("--picture", help="where the figure is saved too")
    asked = parser.parse_args()
    if unknown := [name for name in asked.works if name not in ours]:
        parser.error(f"WORK must be of {', '.join(ours)}, got {unknown[0]}")
    head = report.head(asked.rounds, asked.mirror)
    print(head, flush=True)
    results = {}
    for name in asked.works or ours:
        results[name] = measure(WORKS[name], asked.rounds, asked.mirror)
        print(f"\n{report.comparison({name: results[name]})}", flush=True)
    text = f"{head}\n\n{report.comparison(results)}\n\n{report.roofline(results)}"
    print(f"\n{text}\n\nrun id {report.record(results, text)}")
    if asked.picture:
        report.picture(results).savefig(asked.picture)


if __name__ == "__main__":
    main()
