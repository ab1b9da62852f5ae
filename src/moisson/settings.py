"""One frozen Settings, and the only reader of the environment and of the configuration file.

A value comes from the first of these that gives one:

1. an option of the command line (`--rate 5`);
2. the environment (`MOISSON_RATE=5`; an empty variable counts as absent);
3. the configuration file (`rate = 5`): `--config`, else `MOISSON_CONFIG`, else `./moisson.toml`, else
   `~/.config/moisson/moisson.toml`. Only one file is read. A relative path written in it starts from its folder;
4. the default, which stands in `Settings` below with its unit and its reason.

To add a setting: a field in `Settings`, a line in `SETTINGS`, and its text in docs/settings.md (a test compares them).
A malformed value stops at once: the message names the setting, where the value came from, the value (never a secret)
and what is accepted.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from moisson import settings_values as values
from moisson.errors import SettingsError

__all__ = ["SETTINGS", "Application", "Settings", "Terminal", "debug_wanted", "json_wanted", "load"]


@dataclass(frozen=True, kw_only=True)
class Application:
    """One application of the France Travail portal: it has its own quota and its own token.

    Attributes:
        client_id: identifier given by the portal, `PAR_...`.
        client_secret: its secret key; never printed.
        nom: how messages and figures call it; "application 1", by its rank, when not given.
    """

    client_id: str
    client_secret: str = field(repr=False)
    nom: str = "application 1"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting, with its default.

    Attributes:
        store: folder of the store.
        api_url: base of the API, without `/v2` and without a final slash.
        token_url: where tokens are asked for.
        applications: whose quota is spent; empty when no account was given.
        rate: search calls a second *and application*; "auto" follows the rate that the answers announce.
            3 was safe every year since 2021, whatever the quota then was.
        store_contacts: keep the contacts of recruiters. They are personal data, so not unless asked.
        keep_raw: keep the raw pages after the fold. They repeat the lake, so not unless asked; gone after 24 h anyway.
        retention_s: seconds that superseded files stay for readers who have them open. The licence allows a day.
        evidence_runs: proved runs whose evidence is kept. Thirty nights are a month of proofs.
        resume_max_age_s: seconds after which an unfinished run is abandoned instead of resumed. Its oldest page would
            make the whole proof that old; six hours leave a margin of four runs in the licence's day.
        max_age_s: age of the last proof, seconds, above which `moisson status --check` is not content. The
            licence asks for a refresh every 24 hours.
        log_format: what the standard error carries: "text", for people and cron's mails, or "json", an object a line.
        log_file: a file to which the same objects are added; None: none.
        source_name: name of the source to record instead of `api_url`. Only `moisson demo` gives one: its twin listens
            on another port each time, and stays the same world. Not a setting that a person writes.
        state_dir: where processes that call with the same application agree on their pace; None: each paces alone.
            `load` takes the place that the system has for such things (`XDG_STATE_HOME`).
        warnings: what the person should know although nothing stops, whole sentences.
    """

    store: Path = Path("moisson-store")
    api_url: str = "https://api.francetravail.io/partenaire/offresdemploi"
    token_url: str = "https://entreprise.francetravail.fr/connexion/oauth2/access_token?realm=%2Fpartenaire"
    applications: tuple[Application, ...] = ()
    rate: float | Literal["auto"] = 3.0
    store_contacts: bool = False
    keep_raw: bool = False
    retention_s: int = 24 * 3600
    evidence_runs: int = 30
    resume_max_age_s: int = 6 * 3600
    max_age_s: int = 24 * 3600
    log_format: Literal["text", "json"] = "text"
    log_file: Path | None = None
    source_name: str = ""
    state_dir: Path | None = field(default=None, compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)

    @property
    def source(self) -> str:
        """What a store records as the API it was filled from; two stores of one source may be continued."""
        return self.source_name or self.api_url

    @property
    def simulated(self) -> bool:
        """Whether the offers come from a double: the true API is never on this machine."""
        return values.is_loopback(urlsplit(self.api_url).hostname or "")

    def require_applications(self) -> tuple[Application, ...]:
        """The applications, or a message that says how to get and give one.

        Raises:
            SettingsError: no account was given.
        """
        if not self.applications:
            raise SettingsError(
                "No account was given: client_id and client_secret are not set",
                todo="Set MOISSON_CLIENT_ID and MOISSON_CLIENT_SECRET, or write client_id and client_secret_file in "
                "moisson.toml; docs/account.md says how to get them for free. Without an account, try: moisson demo",
            )
        return self.applications


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How one setting is read.

    Attributes:
        nom: its key in the configuration file; the environment calls it `MOISSON_<NOM>`.
        field: the attribute of `Settings`.
        read: turns what was written into the value; raises ValueError with what is wrong about it.
        accepted: what can be written, for the message and the documentation.
        path: what was written is a path, relative to the file it was written in.
    """

    nom: str
    field: str
    read: Callable[[object], object]
    accepted: str
    path: bool = False

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return f"MOISSON_{self.nom.upper()}"


SETTINGS: tuple[Setting, ...] = (
    Setting(nom="store", field="store", read=values.read_path, accepted="a folder", path=True),
    Setting(nom="api_url", field="api_url", read=values.read_api_url, accepted=values.URL_ACCEPTED),
    Setting(nom="token_url", field="token_url", read=values.read_url, accepted=values.URL_ACCEPTED),
    Setting(
        nom="rate",
        field="rate",
        read=values.read_rate,
        accepted="calls a second for each application, above 0 and at most 1000, or auto",
    ),
    Setting(nom="store_contacts", field="store_contacts", read=values.read_bool, accepted="true or false"),
    Setting(nom="keep_raw", field="keep_raw", read=values.read_bool, accepted="true or false"),
    Setting(
        nom="retention",
        field="retention_s",
        read=values.duration_reader(0, 7 * 24 * 3600),
        accepted="a duration of 0 to 7d: 24h, 90m, 45s, 2d, or a number of seconds",
    ),
    Setting(
        nom="evidence_runs",
        field="evidence_runs",
        read=values.integer_reader(1, 10_000),
        accepted="a whole number from 1 to 10000",
    ),
    Setting(
        nom="resume_max_age",
        field="resume_max_age_s",
        # Older pages could not prove anything about today: the licence asks for a refresh every 24 hours.
        read=values.duration_reader(0, 24 * 3600),
        accepted="a duration of 0 to 24h: 6h, 90m, 45s, or a number of seconds",
    ),
    Setting(
        nom="max_age",
        field="max_age_s",
        read=values.duration_reader(1, 365 * 24 * 3600),
        accepted="a duration of 1s to 365d: 24h, 90m, 45s, 2d, or a number of seconds",
    ),
    Setting(nom="log_format", field="log_format", read=values.choice_reader("text", "json"), accepted="text or json"),
    Setting(nom="log_file", field="log_file", read=values.read_path, accepted="a file", path=True),
)
"""Every setting that is one value; the credentials, which are several, are read by `_applications`."""

_CREDENTIALS = ("client_id", "client_secret", "client_secret_file")
_SECRET = frozenset({"client_secret"})
_KNOWN_KEYS = (*(setting.nom for setting in SETTINGS), *_CREDENTIALS, "application")
_KNOWN_VARIABLES = (*(f"MOISSON_{nom.upper()}" for nom in _KNOWN_KEYS[:-1]), "MOISSON_CONFIG", "MOISSON_DEBUG")


@dataclass(frozen=True)
class _Given:
    """A value as it was written, and where."""

    value: object
    origin: str
    folder: Path | None = None


_Layer = Mapping[str, _Given]


@dataclass(frozen=True)
class _File:
    """What a configuration file holds; `tables` is None when it has no [[application]]."""

    path: Path
    keys: _Layer
    tables: tuple[_Layer, ...] | None


def load(
    options: Mapping[str, object] | None = None,
    *,
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    home: Path | None = None,
) -> Settings:
    """Read the settings.

    Args:
        options: what the command line gave, by setting name; None means that the option was not used.
        config: the file named by `--config`.
        environ, cwd, home: where to look; the process's own when absent.

    Raises:
        SettingsError: a value is malformed, a key unknown, a file absent or unreadable.
    """
    environ = os.environ if environ is None else environ
    cwd = Path.cwd() if cwd is None else cwd
    warnings = _unknown_variables(environ)
    from_options = {
        nom: _Given(value, f"option --{nom.replace('_', '-')}")
        for nom, value in (options or {}).items()
        if value is not None
    }
    from_environ = {
        nom: _Given(environ[variable], f"environment variable {variable}")
        for nom in _KNOWN_KEYS[:-1]
        if environ.get(variable := f"MOISSON_{nom.upper()}")
    }
    path = _config_path(config, environ, cwd, home)
    file = _File(Path(), {}, None) if path is None else _read_file(path)
    fields: dict[str, Any] = {}
    for setting in SETTINGS:
        for layer in (from_options, from_environ, file.keys):
            if (given := layer.get(setting.nom)) is not None:
                fields[setting.field] = _read(setting, given)
                break
    applications = _applications(from_environ, file, warnings)
    if any("client_secret" in layer for layer in (file.keys, *(file.tables or ()))):
        _warn_if_readable(file.path, warnings)
    return Settings(**fields, applications=applications, state_dir=_state_dir(environ, home), warnings=tuple(warnings))


@dataclass(frozen=True)
class Terminal:
    """What the environment says about the terminal.

    Attributes:
        colour: colours may be used there; not under NO_COLOR.
        moves: its cursor moves, so that lines can be drawn again.
    """

    colour: bool
    moves: bool

    @classmethod
    def of(cls, environ: Mapping[str, str] | None = None) -> Terminal:
        """Read it from the environment."""
        environ = os.environ if environ is None else environ
        moves = environ.get("TERM") != "dumb"
        return cls(colour=moves and not environ.get("NO_COLOR"), moves=moves)


def debug_wanted(environ: Mapping[str, str] | None = None) -> bool:
    """Whether unexpected errors should show their traceback: `MOISSON_DEBUG=1`."""
    return (os.environ if environ is None else environ).get("MOISSON_DEBUG", "") not in ("", "0")


def json_wanted(option: str | None = None, environ: Mapping[str, str] | None = None) -> bool:
    """Whether even an error in the settings should be said as JSON: by the option `--log-format`, or the variable."""
    environ = os.environ if environ is None else environ
    return (option or environ.get("MOISSON_LOG_FORMAT", "")).strip().lower() == "json"


def _read(setting: Setting, given: _Given) -> object:
    try:
        value = setting.read(given.value)
    except ValueError as problem:
        shown = values.shown(given.value)
        raise SettingsError(
            f"{setting.nom} = {shown}, from {given.origin}, cannot be used: {problem}",
            todo=f"Accepted: {setting.accepted}.",
        ) from None
    if setting.path and isinstance(value, Path) and given.folder is not None:
        return given.folder / value
    return value


def _config_path(config: Path | None, environ: Mapping[str, str], cwd: Path, home: Path | None) -> Path | None:
    """The one configuration file to read, or None; a file that was named must exist."""
    named: tuple[Path, str] | None = None
    if config is not None:
        named = (config, "option --config")
    elif environ.get("MOISSON_CONFIG"):
        named = (Path(environ["MOISSON_CONFIG"]), "environment variable MOISSON_CONFIG")
    if named is not None:
        path = cwd / _expanded(named[0])
        if not path.is_file():
            raise SettingsError(
                f"config = {values.shown(str(named[0]))}, from {named[1]}, is not a file",
                todo="Give the path of a configuration file in TOML; docs/settings.md shows one.",
            )
        return path
    if home is None:
        try:
            home = Path.home()
        except RuntimeError:  # no home at all, as under some service managers
            home = cwd
    for candidate in (cwd / "moisson.toml", home / ".config" / "moisson" / "moisson.toml"):
        if candidate.is_file():
            return candidate
    return None


def _expanded(path: Path) -> Path:
    """With `~` replaced; as it is when the system knows no such person, and then it is told as not found."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _state_dir(environ: Mapping[str, str], home: Path | None) -> Path | None:
    """Moisson's folder in the place that the XDG specification gives to state; None without a home."""
    state = Path(environ.get("XDG_STATE_HOME", ""))
    # The specification says to ignore a relative one.
    if state.is_absolute():
        return state / "moisson"
    try:
        return (home or Path.home()) / ".local" / "state" / "moisson"
    except RuntimeError:
        return None


def _read_file(path: Path) -> _File:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise SettingsError(f"{path} cannot be read: {problem.strerror}", todo="Check its permissions.") from None
    except ValueError as problem:  # TOMLDecodeError and UnicodeDecodeError; neither quotes the values
        reason = problem if isinstance(problem, tomllib.TOMLDecodeError) else "it is not UTF-8"
        raise SettingsError(
            f"{path} is not a TOML file: {reason}",
            todo="docs/settings.md shows a whole configuration file; strings stand between quotes.",
        ) from None
    _refuse_unknown(content, _KNOWN_KEYS, str(path))
    tables = _tables(content.pop("application"), path) if "application" in content else None
    return _File(
        path, {key: _Given(value, f"{path}, key {key}", path.parent) for key, value in content.items()}, tables
    )


def _tables(value: object, path: Path) -> tuple[_Layer, ...]:
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise SettingsError(
            f"application, from {path}, is not a list of tables",
            todo="Write one [[application]] table, in double brackets, for each application.",
        )
    tables = []
    for rank, table in enumerate(value, 1):
        where = f"{path}, [[application]] number {rank}"
        _refuse_unknown(table, (*_CREDENTIALS, "nom"), where)
        tables.append({key: _Given(written, f"{where}, key {key}", path.parent) for key, written in table.items()})
    return tuple(tables)


def _refuse_unknown(content: Mapping[str, object], known: tuple[str, ...], where: str) -> None:
    for key in content:
        if key not in known:
            raise SettingsError(
                f"{values.shown(key)}, in {where}, is not a setting",
                todo=f"{_nearest(key, known)}Known: {', '.join(sorted(known))}.",
            )


def _nearest(name: str, known: tuple[str, ...]) -> str:
    import difflib  # only for a message

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]}? " if near else ""


def _unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """A misspelt variable would be ignored in silence; it cannot be an error, others may use the prefix."""
    return [
        f"The environment variable {name} is not a setting of Moisson. {_nearest(name, _KNOWN_VARIABLES)}".rstrip()
        for name in sorted(environ)
        if name.startswith("MOISSON_") and name not in _KNOWN_VARIABLES and not name.startswith("MOISSON_TWIN_")
    ]


def _applications(from_environ: _Layer, file: _File, warnings: list[str]) -> tuple[Application, ...]:
    """The accounts: those of the environment, completed by the file's single keys, else the file's tables."""
    single = {key: file.keys[key] for key in _CREDENTIALS if key in file.keys}
    if file.tables is not None and single:
        raise SettingsError(
            f"{', '.join(single)} and [[application]] tables are both given, in {file.path}",
            todo="Write each application as one [[application]] table, and no credentials outside them.",
        )
    in_environ = {key: from_environ[key] for key in _CREDENTIALS if key in from_environ}
    if file.tables is not None and not in_environ:
        found = tuple(_application(table, rank, warnings) for rank, table in enumerate(file.tables, 1))
        _refuse_twice(found, file.path)
        return found
    if "client_secret" in in_environ or "client_secret_file" in in_environ:
        single = {key: given for key, given in single.items() if key == "client_id"}
    merged = {**single, **in_environ}
    return (_application(merged, 1, warnings),) if merged else ()


def _application(given: _Layer, rank: int, warnings: list[str]) -> Application:
    first = next(iter(given.values()), _Given("", f"[[application]] number {rank}"))
    if "client_secret" in given and "client_secret_file" in given:
        raise SettingsError(
            f"client_secret ({given['client_secret'].origin}) and client_secret_file "
            f"({given['client_secret_file'].origin}) are both given",
            todo="Keep one of them.",
        )
    for key in ("client_id", "client_secret"):
        if key not in given and not (key == "client_secret" and "client_secret_file" in given):
            raise SettingsError(
                f"{key} is missing, while {first.origin} gives part of an account",
                todo="An account is a client_id with a client_secret or a client_secret_file; see docs/account.md.",
            )
    if "client_secret_file" in given:
        client_secret = _secret_from_file(given["client_secret_file"], warnings)
    else:
        client_secret = _text("client_secret", given["client_secret"])
    return Application(
        client_id=_text("client_id", given["client_id"]),
        client_secret=client_secret,
        nom=_text("nom", given["nom"]) if "nom" in given else f"application {rank}",
    )


def _text(key: str, given: _Given) -> str:
    # A trailing newline pasted with a secret is answered "invalid_client"; white space never belongs to it.
    text = given.value.strip() if isinstance(given.value, str) else ""
    if not text:
        shown = "" if key in _SECRET else f" = {values.shown(given.value)}"
        raise SettingsError(
            f"{key}{shown}, from {given.origin}, is not a text",
            todo="Paste it between quotes, as the portal shows it.",
        )
    return text


def _secret_from_file(given: _Given, warnings: list[str]) -> str:
    path = (given.folder or Path()) / _expanded(Path(_text("client_secret_file", given)))
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is not UTF-8"
        raise SettingsError(
            f"client_secret_file = {values.shown(str(path))}, from {given.origin}, cannot be read: {reason}",
            todo="Give a file that holds the secret key and nothing else.",
        ) from None
    if not text or len(text.split()) > 1:
        raise SettingsError(
            f"client_secret_file = {values.shown(str(path))}, from {given.origin}, is "
            + ("empty" if not text else "more than one word"),
            todo="Give a file that holds the secret key and nothing else.",
        )
    _warn_if_readable(path, warnings)
    return text


def _refuse_twice(applications: tuple[Application, ...], path: Path) -> None:
    """One application listed twice would be paced as two, and throttled."""
    seen: dict[str, int] = {}
    for rank, application in enumerate(applications, 1):
        if (before := seen.setdefault(application.client_id, rank)) != rank:
            raise SettingsError(
                f"client_id = {values.shown(application.client_id)} stands twice, as numbers {before} and {rank}, "
                f"in {path}",
                todo="Each table must be another application: the quota belongs to the application.",
            )


def _warn_if_readable(path: Path, warnings: list[str]) -> None:
    mode = path.stat().st_mode
    if os.name == "posix" and mode & (stat.S_IRGRP | stat.S_IROTH):
        warnings.append(f"{path} holds a secret and can be read by others. Type: chmod 600 {path}")
