"""`python -m monitoring`: health of models and data, and the dashboard."""

from lakehouse.cli import as_of_step, command
from monitoring.run import run


def main() -> None:
    """`python -m monitoring`."""
    command("Measure drift, performance and quality, and draw the dashboard.", as_of_step(run))


if __name__ == "__main__":
    main()
