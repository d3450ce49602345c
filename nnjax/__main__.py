"""`nnjax VERB`: everything besides training, which is `nnjax-train`."""

import argparse
import sys
from collections.abc import Sequence

import nnjax
from nnjax.cli import check, compare, evaluate, predict, reproduce, sync
from nnjax.errors import InputError, allowed_values, exit_with_one_line

VERBS = {
    "check": check,
    "compare": compare,
    "evaluate": evaluate,
    "predict": predict,
    "reproduce": reproduce,
    "sync": sync,
}


def main() -> None:
    """Run the verb of the command line; without one, print the help."""
    parser = argparse.ArgumentParser(prog="nnjax", description="To train a network, type nnjax-train --help.")
    parser.add_argument("--version", action="version", version=f"nnjax {nnjax.__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB")
    for name, module in VERBS.items():
        verb = verbs.add_parser(name, help=module.HELP, description=module.HELP)
        module.arguments(verb)
        verb.set_defaults(run=module.run)
    exit_with_one_line(lambda: check_verb(sys.argv[1:]))
    arguments = parser.parse_args()
    if len(sys.argv) == 1:
        parser.print_help()
    else:
        exit_with_one_line(lambda: arguments.run(arguments))


def check_verb(words: Sequence[str]) -> None:
    """Raise InputError if the first word is not a verb."""
    word = words[0] if words else "--help"
    if word.startswith("-") or word in VERBS:
        return
    hint = f"To train: nnjax-train {' '.join(words[1:])}".rstrip() if word == "train" else allowed_values(word, VERBS)
    raise InputError(f"{word} is not a verb of nnjax. {hint}")


if __name__ == "__main__":
    main()
