"""`python -m scoring`: at-risk students and segments."""

from lakehouse.cli import as_of_step, command
from scoring.run import options, run


def main() -> None:
    """`python -m scoring`."""
    command("Score every student with the champions.", as_of_step(run), options)


if __name__ == "__main__":
    main()
