"""`nnjax VERB`: what there is besides training."""

import argparse

from nnjax.cli import check, compare, evaluate, predict, reproduce, sync
from nnjax.system.exit import exit_with_one_line

VERBS = {
    "check": check,
    "compare": compare,
    "evaluate": evaluate,
    "predict": predict,
    "reproduce": reproduce,
    "sync": sync,
}


def main() -> None:
    """Parses the verb and runs it."""
    parser = argparse.ArgumentParser(
        prog="nnjax", description="Training itself is nnjax-train (python -m nnjax.train)."
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for name, module in VERBS.items():
        verb = verbs.add_parser(name, help=module.HELP, description=module.HELP)
        module.arguments(verb)
        verb.set_defaults(run=module.run)
    arguments = parser.parse_args()
    exit_with_one_line(lambda: arguments.run(arguments))


if __name__ == "__main__":
    main()
