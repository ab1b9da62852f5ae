"""The command `moisson`: its list of commands, and what becomes of an error.

Nothing heavy is imported here or at the head of a command's module, so that `--help` answers at once; each command
imports what it needs when it runs.
"""

from __future__ import annotations

import signal
import sys
from typing import Annotated

import typer

from moisson import __version__
from moisson.cli import console
from moisson.cli.backup import backup
from moisson.cli.check import check
from moisson.cli.collect import collect
from moisson.cli.demo import demo
from moisson.cli.export import export
from moisson.cli.files import files
from moisson.cli.forget import forget
from moisson.cli.indicator import indicator
from moisson.cli.map import draw_map
from moisson.cli.probe import probe
from moisson.cli.referentiels import referentiels
from moisson.cli.series import series
from moisson.cli.sql import sql
from moisson.cli.status import status
from moisson.cli.territories import territories
from moisson.cli.twin import twin
from moisson.cli.verify import verify
from moisson.errors import MoissonError

__all__ = ["app", "main"]

# Plain help: it pipes, greps and pastes, and does not cost the import of rich (0.1 s of the 0.3 s allowed).
app = typer.Typer(
    name="moisson",
    help="Every job offer of France Travail, complete, current and proved, on your own machine, in one command.",
    epilog="Without an account: moisson demo. With one: moisson check, then moisson collect.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(demo)
app.command()(check)
app.command()(collect)
app.command()(status)
app.command()(verify)
app.command()(probe)
app.command()(sql)
app.command()(files)
app.command()(export)
app.command()(referentiels)
app.command()(forget)
app.command()(territories)
app.command()(backup)
app.command()(indicator)
app.command(name="map")(draw_map)
app.command()(series)
app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(twin)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"moisson {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """What every command shares; its help is the application's."""


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line and leave with its exit code.

    0 done; 1 failed; 2 wrong usage, settings or account; 3 finished but not proved; 130 interrupted.
    """
    # A service manager stops with SIGTERM: same as Ctrl-C, at any moment, also before a harvest handles both itself.
    signal.signal(signal.SIGTERM, _interrupt)
    # Left from here, with the error forgotten: it would keep what was at work alive until the interpreter goes down.
    sys.exit(_run())


def _run() -> int | str | None:
    try:
        app(prog_name="moisson")
    except MoissonError as problem:
        console.error(problem)
        return problem.exit_code
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:
        return end.code
    except Exception as problem:
        console.unexpected(problem)
        return 1
    finally:
        console.setup("text", None)
    return 0


if __name__ == "__main__":
    main()
