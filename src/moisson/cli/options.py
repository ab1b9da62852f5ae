"""Options that several commands share, and how they become Settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from moisson.cli import console
from moisson.settings import Settings, json_wanted, load

__all__ = [
    "ApiUrlOption",
    "ConfigOption",
    "LogFormatOption",
    "RateOption",
    "StoreOption",
    "TokenUrlOption",
    "read_settings",
]

# Options are texts here: settings.py reads every value, so that one message serves options, environment and file.
StoreOption = Annotated[
    str | None, typer.Option("--store", metavar="DIR", help="Folder of the store. Default: ./moisson-store")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Configuration file. Default: ./moisson.toml, if any")
]
RateOption = Annotated[
    str | None,
    typer.Option(
        "--rate",
        metavar="CALLS",
        help="Calls a second for each application, or auto to follow what the API announces. Default: 3",
    ),
]
ApiUrlOption = Annotated[
    str | None, typer.Option("--api-url", metavar="URL", help="Base of the API. Default: France Travail's")
]
TokenUrlOption = Annotated[
    str | None, typer.Option("--token-url", metavar="URL", help="Where tokens are asked for. Default: France Travail's")
]


LogFormatOption = Annotated[
    str | None,
    typer.Option(
        "--log-format",
        metavar="FORMAT",
        help="What the standard error carries: text, or json, a dated object a line. Default: text",
    ),
]


def read_settings(config: Path | None, **options: str | None) -> Settings:
    """The settings of this command, their warnings said; from here on, everything is said as they want it."""
    console.setup("json" if json_wanted(options.get("log_format")) else "text", None)
    settings = load(options, config=config)
    console.setup(settings.log_format, settings.log_file)
    for warning in settings.warnings:
        console.warn(warning)
    return settings
