"""`python -m pipelines.forget`."""

from lakehouse.cli import command
from pipelines.forget.run import options, run

if __name__ == "__main__":
    command("Remove one student from everything.", run, options)
