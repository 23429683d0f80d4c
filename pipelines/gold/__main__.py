"""`python -m pipelines.gold`: the gold tables."""

from lakehouse.cli import as_of_step, command
from pipelines.gold.run import run


def main() -> None:
    """`python -m pipelines.gold`."""
    command("Write the gold tables.", as_of_step(run))


if __name__ == "__main__":
    main()
