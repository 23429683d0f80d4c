"""`python -m pipelines.forget`."""

from lakehouse.cli import command
from pipelines.forget.run import options, run


def main() -> None:
    """`python -m pipelines.forget`."""
    command("Remove one student from everything.", run, options)


if __name__ == "__main__":
    main()
