"""`python -m features`: the feature tables of a lake."""

from features.run import run
from lakehouse.cli import as_of_step, command

if __name__ == "__main__":
    command("Write features and labels.", as_of_step(run))
