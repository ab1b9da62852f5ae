"""Writes docs/commands.md from the commands' own help; a test compares the two."""

from __future__ import annotations

import contextlib
import io
import os
import sys

HEAD = """# Commands

Written by `make docs` from the commands' own help; a test compares them. Results go to the standard output, everything
else to the standard error. Exit codes: 0 done (for `collect`: proved complete), 1 failed, 2 wrong usage, settings or
account, 3 finished but not proved, 130 interrupted safely. Settings: [settings.md](settings.md).
"""


def help_of(*arguments: str) -> str:
    """What `moisson ARGUMENTS --help` prints."""
    from moisson.cli.main import app

    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
        app([*arguments, "--help"], prog_name="moisson")
    return "\n".join(line.rstrip() for line in out.getvalue().strip().splitlines())


def commands() -> list[str]:
    """Every command, in the order of the help."""
    from moisson.cli.main import app

    return [str(command.name or command.callback.__name__) for command in app.registered_commands if command.callback]


def reference() -> str:
    """The whole document."""
    os.environ["COLUMNS"] = "100"
    os.environ["TERMINAL_WIDTH"] = "100"
    parts = [HEAD, f"```text\n{help_of()}\n```\n"]
    for command in commands():
        if command == "twin":  # it passes everything on, its help included
            parts.append(
                "## moisson twin\n\nServes the API's double on this machine. Its options: `moisson twin --help`.\n"
            )
            continue
        parts.append(f"## moisson {command}\n\n```text\n{help_of(command)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(reference())
