"""`python -m pipelines.gold`: the gold tables."""

from lakehouse.cli import as_of_step, command
from pipelines.gold.run import run

if __name__ == "__main__":
    command("Write the gold tables.", as_of_step(run))
