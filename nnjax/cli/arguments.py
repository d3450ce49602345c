"""Arguments that several verbs have."""

from argparse import ArgumentParser

from nnjax.runs import load


def add_run(parser: ArgumentParser) -> None:
    """Add RUN, a trained network."""
    parser.add_argument("trained", metavar="RUN", help=load.ABOUT)


def add_csv(parser: ArgumentParser) -> None:
    """Add --csv."""
    parser.add_argument("--csv", action="store_true", help="print the whole table as comma-separated values")


def add_store(parser: ArgumentParser) -> None:
    """Add --uri, the MLflow store."""
    default = "default: MLFLOW_TRACKING_URI, or else mlflow.db in this folder"
    parser.add_argument("--uri", metavar="URI", help=f"the MLflow store; {default}")
