"""`python -m pipelines.declarative`."""

from lakehouse.cli import command
from pipelines.declarative.run import check, run


def main() -> None:
    """Make silver once more, as the materialized views of a declarative pipeline."""
    command("Make silver once more, as the materialized views of a declarative pipeline.", run, check=check)


if __name__ == "__main__":
    main()
