"""python -m data_gen: write synthetic raw files and, elsewhere, the truth about them; or export the app's own file."""

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import NoReturn

from data_gen.arrivals import deliver
from data_gen.chaos import deliver_chaos
from data_gen.export import export, report
from data_gen.generate import LAST_DAY, Plan, generate
from data_gen.generated import earlier, note, strangers
from data_gen.planted import KINDS, Planted
from data_gen.raw import SEPARATOR, is_user_id
from data_gen.sqlite import Unusable
from data_gen.write import TableFolder

LONGEST_WINDOW = 3_650
DAYS_OF_DRIFT = 28
WRITERS = {"none": generate, "daily": deliver}
USAGE = """%(prog)s [options]
       %(prog)s export --db FILE --user-id ID --out LANDING [--arrived DATE]"""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence and ends with code 2."""

    def error(self, message: str) -> NoReturn:
        """Print the message alone, without the usage."""
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 when all files are written, SystemExit 2 when an argument or a folder is no good."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "export":
        return _export(parser, options)
    landing_folder: Path = options.out.resolve()
    truth_folder: Path = (options.truth or landing_folder.parent / "truth").resolve()
    if truth_folder.is_relative_to(landing_folder):
        parser.error(f"the truth must not lie in the landing folder: choose --truth outside {landing_folder}")
    if options.chaos and options.arrivals == "none":
        parser.error("--chaos disturbs daily deliveries: add --arrivals daily")
    if options.drift_from and options.drift == "none":
        parser.error("--drift-from tells when a drift begins: add --drift, one of " + ", ".join(KINDS[1:]))
    write = deliver_chaos if options.chaos else WRITERS[options.arrivals]
    since = options.drift_from or LAST_DAY - timedelta(days=min(DAYS_OF_DRIFT, options.days - 1) - 1)
    plan = Plan(options.seed, options.students, options.days, Planted(options.drift, since))
    earliest = plan.first_date + timedelta(days=1)
    if not earliest <= since <= LAST_DAY:
        parser.error(f"--drift-from is {since}: choose a day from {earliest} to {LAST_DAY}")
    try:
        with TableFolder(landing_folder) as landing, TableFolder(truth_folder) as truth:
            write(plan, landing, truth)
            made = [*landing.paths(), *truth.paths()]
            left = earlier(made, truth_folder)
            if why := _in_the_way(landing, truth_folder, made, left):
                parser.error(why)
        for untrue in left:
            untrue.unlink()
        note(made, truth_folder)
    except OSError as error:
        parser.error(f"cannot write to {landing_folder} and {truth_folder}: {error}")
    drift = "" if options.drift == "none" else f", drift {options.drift} from {since} on"
    print(f"{plan.students} students over {plan.days} days to {LAST_DAY}, seed {plan.seed}{drift}")
    for what, folder in (("landing", landing), ("truth", truth)):
        _report(what, folder)
    return 0


def _in_the_way(landing: TableFolder, truth: Path, made: Sequence[Path], left: Sequence[Path]) -> str:
    """Why files may not be put where they are to lie; empty when they may.

    Args:
        landing: the landing folder.
        truth: the truth's.
        made: all files of both.
        left: what an earlier generation left beside them.
    """
    if others := landing.others():
        return (
            f"{landing.folder} holds {len(others):,} other files of these tables, such as {others[0].name}: what is "
            "generated stands alone; choose another --out, or empty that one first"
        )
    if foreign := strangers(made, truth):
        option = "--truth" if foreign[0].parent == truth else "--out"
        return (
            f"{foreign[0]} is no file that {truth} knows to be generated: choose another {option}, or empty that one "
            "first"
        )
    if true_of := [path for path in left if path.parent != truth]:
        return f"{truth} holds the truth about {true_of[0]}, which is there still: choose another --truth"
    return ""


def _export(parser: Parser, options: argparse.Namespace) -> int:
    try:
        exported = export(options.db, options.user_id, options.out, options.arrived)
    except Unusable as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"cannot export {options.db} to {options.out}: {error}")
    print(f"user {options.user_id} of {options.db.resolve()}, to {options.out.resolve()}")
    print(report(exported))
    return 0


def _parser() -> Parser:
    formatter = argparse.ArgumentDefaultsHelpFormatter
    parser = Parser(prog="data_gen", usage=USAGE, description=__doc__, formatter_class=formatter)
    parser.add_argument("--seed", type=_whole(0), default=42, help="same seed, same bytes")
    parser.add_argument("--students", type=_whole(1), default=50, help="how many students")
    parser.add_argument("--days", type=_whole(28, LONGEST_WINDOW), default=180, help=f"days up to {LAST_DAY}")
    parser.add_argument("--arrivals", choices=WRITERS, default="none", help="one load, or a delivery for each day")
    about = "spoil the daily deliveries; <truth>/manifest.json tells how"
    parser.add_argument("--chaos", type=_flag, nargs="?", const=True, default=False, metavar="true|false", help=about)
    about = "plant a drift for monitoring to find"
    parser.add_argument("--drift", choices=KINDS, default="none", help=about)
    about = f"the first day of it; the last {DAYS_OF_DRIFT} days unless given"
    parser.add_argument("--drift-from", type=_day, metavar="DATE", help=about)
    parser.add_argument("--out", type=Path, default=Path("landing"), help="the landing folder")
    parser.add_argument("--truth", type=_folder, help="the folder of the hidden truth; <out>/../truth unless given")
    _add_export(parser)
    return parser


def _add_export(parser: Parser) -> None:
    commands = parser.add_subparsers(title="commands", prog=parser.prog, dest="command", metavar="")
    about = "add what is new in the app's SQLite file to the landing folder"
    export_parser = commands.add_parser("export", help=about, description=about)
    export_parser.add_argument("--db", type=Path, required=True, help="the app's file; it is only read")
    export_parser.add_argument("--user-id", type=_user_id, required=True, help="whose app it is")
    export_parser.add_argument("--out", type=Path, required=True, help="the landing folder")
    export_parser.add_argument("--arrived", type=_day, help="the date of arrival; a backfill unless given")


def _user_id(text: str) -> str:
    if not is_user_id(text):
        raise argparse.ArgumentTypeError(f"expected text without whitespace and without {SEPARATOR}, not {text!r}")
    return text


def _day(text: str) -> date | None:
    """A date, or nothing for an empty text, which is how a project's entry point leaves it out."""
    if not text:
        return None
    with suppress(ValueError):
        if (found := date.fromisoformat(text)).isoformat() == text:
            return found
    raise argparse.ArgumentTypeError(f"expected a date such as 2024-11-04, not {text!r}")


def _folder(text: str) -> Path | None:
    """A folder, or nothing for an empty text."""
    return Path(text) if text else None


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"expected true or false, not {text}")
    return text == "true"


def _whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """A parser of whole numbers from `least` to `most`."""
    wanted = f"a whole number of at least {least}" if most is None else f"a whole number from {least} to {most}"

    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
            raise argparse.ArgumentTypeError(f"expected {wanted}, not {text}")
        return int(text)

    return parse


def _report(what: str, folder: TableFolder) -> None:
    sizes = {name: folder.size(name) for name in sorted(folder.rows)}
    print(f"{what} {folder.folder} ({sum(sizes.values()) / 1024:,.0f} KB)")
    for name, size in sizes.items():
        print(f"  {name:<20}{folder.rows[name]:>12,} rows {size / 1024:>10,.1f} KB")


def main_export() -> int:
    """The entry point `export`."""
    return main(["export", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
