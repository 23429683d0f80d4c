"""`python -m pipelines.declarative`."""

from lakehouse.cli import command
from pipelines.declarative.run import run


def main() -> None:
    """Make silver once more, as the materialized views of a declarative pipeline."""
    command("Make silver once more, as the materialized views of a declarative pipeline.", run)


if __name__ == "__main__":
    main()
