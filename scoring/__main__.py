"""`python -m scoring`: at-risk students and segments."""

from lakehouse.cli import as_of_step, command
from scoring.run import run

if __name__ == "__main__":
    command("Score every student with the champions.", as_of_step(run))
