"""Settings: where a value comes from, and what is said when it cannot be used."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from moisson import settings as module
from moisson.errors import SettingsError
from moisson.settings import SETTINGS, Application, Settings

Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """`load` in an empty folder, with an empty home and an empty environment."""

    def call(
        options: dict[str, object] | None = None, *, toml: str = "", config: Path | None = None, **environ: str
    ) -> Settings:
        if toml:
            file = tmp_path / "moisson.toml"
            file.write_text(toml, encoding="utf-8")
            file.chmod(0o600)
        return module.load(options, config=config, environ=environ, cwd=tmp_path, home=tmp_path / "home")

    return call


def message(load: Load, **arguments: object) -> str:
    """The message of the error that these settings raise."""
    with pytest.raises(SettingsError) as caught:
        load(**arguments)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_defaults(load: Load) -> None:
    """Without anything written, every value is the default, and no account is known."""
    assert load() == Settings()
    assert Settings().api_url == "https://api.francetravail.io/partenaire/offresdemploi"
    assert (
        Settings().token_url == "https://entreprise.francetravail.fr/connexion/oauth2/access_token?realm=%2Fpartenaire"
    )
    assert Settings().rate == 3.0
    assert Settings().retention_s == 86_400
    assert Settings().resume_max_age_s == 21_600


def test_defaults_are_those_of_the_api() -> None:
    """The addresses and the rate stand in Settings and in the contract: one truth, written twice."""
    from moisson.api import contract

    assert (Settings().api_url, Settings().token_url) == (contract.API_URL, contract.TOKEN_URL)
    assert Settings().rate == contract.RATE_DEFAULT


def test_precedence(load: Load) -> None:
    """An option beats the environment, which beats the file, which beats the default."""
    assert load(toml="rate = 4").rate == 4.0
    assert load(toml="rate = 4", MOISSON_RATE="5").rate == 5.0
    assert load({"rate": "6"}, toml="rate = 4", MOISSON_RATE="5").rate == 6.0
    assert load({"rate": None}, toml="rate = 4").rate == 4.0


def test_empty_variable_is_absent(load: Load) -> None:
    """`MOISSON_RATE=` counts as not set, as most tools have it."""
    assert load(MOISSON_RATE="") == Settings()


def test_every_setting_is_read_from_each_place(load: Load) -> None:
    """Each setting can be written as an option, in the environment and in the file."""
    written = {
        "store": ("lake", None),
        "api_url": ("https://example.org/api", "https://example.org/api"),
        "token_url": ("https://example.org/token?realm=x", "https://example.org/token?realm=x"),
        "rate": ("auto", "auto"),
        "store_contacts": ("true", True),
        "keep_raw": ("yes", True),
        "retention": ("90m", 5400),
        "evidence_runs": ("7", 7),
        "resume_max_age": ("2h", 7200),
        "max_age": ("26h", 93_600),
        "log_format": ("JSON", "json"),
        "log_file": ("/var/log/moisson.ndjson", Path("/var/log/moisson.ndjson")),
    }
    assert set(written) == {setting.nom for setting in SETTINGS}
    for setting in SETTINGS:
        text, value = written[setting.nom]
        for settings in (
            load({setting.nom: text}),
            load(**{setting.variable: text}),
            load(toml=f'{setting.nom} = "{text}"'),
        ):
            found = getattr(settings, setting.field)
            assert found == value if value is not None else found.name == "lake", setting.nom
        load(toml=" ")  # the next round begins without a file


def test_a_path_in_a_file_starts_from_its_folder(load: Load, tmp_path: Path) -> None:
    """A store named in a file stands beside the file; one named elsewhere, where the command runs."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    file = elsewhere / "night.toml"
    file.write_text('store = "lake"', encoding="utf-8")
    assert load(config=file).store == elsewhere / "lake"
    assert load(MOISSON_CONFIG=str(file)).store == elsewhere / "lake"
    assert load({"store": "lake"}).store == Path("lake")


def test_the_file_in_the_home_folder_is_the_last(load: Load, tmp_path: Path) -> None:
    """`~/.config/moisson/moisson.toml` is read only if no other file is there; files are not mixed."""
    home = tmp_path / "home" / ".config" / "moisson"
    home.mkdir(parents=True)
    (home / "moisson.toml").write_text("rate = 8\nevidence_runs = 3", encoding="utf-8")
    assert load().rate == 8.0
    assert load(toml="rate = 9") == Settings(rate=9.0)


def test_one_account(load: Load, tmp_path: Path) -> None:
    """The account of the environment, of the file, or of both; white space around is not part of it."""
    assert load(MOISSON_CLIENT_ID=" PAR_a ", MOISSON_CLIENT_SECRET="s\n").applications == (
        Application(client_id="PAR_a", client_secret="s", nom="application 1"),
    )
    assert load(toml='client_id = "PAR_a"\nclient_secret = "s"').applications[0].client_secret == "s"
    (tmp_path / "secret").write_text("from-file\n", encoding="utf-8")
    (tmp_path / "secret").chmod(0o600)
    both = load(toml='client_id = "PAR_a"\nclient_secret_file = "secret"')
    assert both.applications == (Application(client_id="PAR_a", client_secret="from-file"),)
    assert both.warnings == ()
    over = load(toml='client_id = "PAR_a"\nclient_secret_file = "secret"', MOISSON_CLIENT_SECRET="s")
    assert over.applications[0].client_secret == "s"


def test_several_applications(load: Load) -> None:
    """Each [[application]] has its own name; an account in the environment replaces them all."""
    toml = """
[[application]]
client_id = "PAR_a"
client_secret = "one"
nom = "nuit"
[[application]]
client_id = "PAR_b"
client_secret = "two"
"""
    assert [(a.nom, a.client_id, a.client_secret) for a in load(toml=toml).applications] == [
        ("nuit", "PAR_a", "one"),
        ("application 2", "PAR_b", "two"),
    ]
    alone = load(toml=toml, MOISSON_CLIENT_ID="PAR_c", MOISSON_CLIENT_SECRET="three")
    assert [a.client_id for a in alone.applications] == ["PAR_c"]


def test_a_secret_is_never_shown(load: Load) -> None:
    """Neither the settings' own text nor an error's holds a secret."""
    assert "hush" not in repr(load(MOISSON_CLIENT_ID="PAR_a", MOISSON_CLIENT_SECRET="hush"))
    assert "hush" not in message(load, toml='client_id = "a"\nclient_secret = ["hush"]')
    assert "hush" not in message(load, toml=" ", MOISSON_CLIENT_SECRET="hush")
    assert "hush" not in message(load, MOISSON_API_URL="https://me:hush@example.org/api")
    assert "hush" not in message(load, toml='client_secret = "hush')


def test_a_readable_secret_is_warned_about(load: Load, tmp_path: Path) -> None:
    """A secret that others of this machine can read is told, with what to type."""
    secret = tmp_path / "secret"
    secret.write_text("s", encoding="utf-8")
    secret.chmod(0o644)
    found = load(toml='client_id = "PAR_a"\nclient_secret_file = "secret"')
    assert found.warnings == (f"{secret} holds a secret and can be read by others. Type: chmod 600 {secret}",)
    file = tmp_path / "open.toml"
    file.write_text('client_id = "PAR_a"\nclient_secret = "s"', encoding="utf-8")
    file.chmod(0o640)
    assert load(config=file).warnings == (f"{file} holds a secret and can be read by others. Type: chmod 600 {file}",)


def test_a_misspelt_variable_is_warned_about(load: Load) -> None:
    """An unknown MOISSON_ variable would be ignored in silence."""
    assert load(MOISSON_RATES="4", MOISSON_DEBUG="1", MOISSON_TWIN_SEED="2").warnings == (
        "The environment variable MOISSON_RATES is not a setting of Moisson. Did you mean MOISSON_RATE?",
    )


def test_plain_http_goes_to_this_machine_only(load: Load) -> None:
    """A secret is never sent in clear to another machine."""
    for url in ("http://127.0.0.1:8000/api", "http://localhost:8000/api", "http://[::1]/api"):
        settings = load(MOISSON_API_URL=url + "/")
        assert settings.api_url == url
        assert settings.simulated
    assert not load().simulated
    assert message(load, MOISSON_API_URL="http://example.org/api") == (
        'api_url = "http://example.org/api", from environment variable MOISSON_API_URL, cannot be used: plain http '
        "would send the secret in clear to another machine. Accepted: an https:// address "
        "without credentials in it; http:// is taken only to this machine, as 127.0.0.1."
    )


def test_a_named_source_replaces_the_address() -> None:
    """The demo's twin listens on another port each time and stays the same source."""
    assert Settings().source == "https://api.francetravail.io/partenaire/offresdemploi"
    assert Settings(source_name="simulated: a world").source == "simulated: a world"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            {"MOISSON_RATE": "fast"},
            'rate = "fast", from environment variable MOISSON_RATE, cannot be used: it is not a number. '
            "Accepted: calls a second for each application, above 0 and at most 1000, or auto.",
        ),
        (
            {"options": {"rate": "0"}},
            'rate = "0", from option --rate, cannot be used: it is out of bounds. '
            "Accepted: calls a second for each application, above 0 and at most 1000, or auto.",
        ),
        (
            {"toml": "keep_raw = 3"},
            "keep_raw = 3, from {folder}/moisson.toml, key keep_raw, cannot be used: it is neither true nor false. "
            "Accepted: true or false.",
        ),
        (
            {"toml": 'retention = "a day"'},
            'retention = "a day", from {folder}/moisson.toml, key retention, cannot be used: it is not a duration. '
            "Accepted: a duration of 0 to 7d: 24h, 90m, 45s, 2d, or a number of seconds.",
        ),
        (
            {"toml": "evidence_runs = 2.5"},
            "evidence_runs = 2.5, from {folder}/moisson.toml, key evidence_runs, cannot be used: it is not a whole "
            "number. Accepted: a whole number from 1 to 10000.",
        ),
        (
            {"MOISSON_API_URL": "https://example.org/api/v2"},
            'api_url = "https://example.org/api/v2", from environment variable MOISSON_API_URL, cannot be used: it '
            "must stop before /v2. Accepted: an https:// address without credentials in "
            "it; http:// is taken only to this machine, as 127.0.0.1.",
        ),
        (
            {"toml": "retain = 3"},
            '"retain", in {folder}/moisson.toml, is not a setting. Did you mean retention? '
            "Known: api_url, application, client_id, client_secret, client_secret_file, evidence_runs, keep_raw, "
            "log_file, log_format, max_age, rate, resume_max_age, retention, store, store_contacts, token_url.",
        ),
        (
            {"toml": '[[application]]\nclient = "x"'},
            '"client", in {folder}/moisson.toml, [[application]] number 1, is not a setting. '
            "Did you mean client_id? Known: client_id, client_secret, client_secret_file, nom.",
        ),
        (
            {"toml": "rate 3"},
            "{folder}/moisson.toml is not a TOML file: Expected '=' after a key in a key/value pair (at line 1, "
            "column 6). docs/settings.md shows a whole configuration file; strings stand "
            "between quotes.",
        ),
        (
            {"config": Path("absent.toml")},
            'config = "absent.toml", from option --config, is not a file. Give the path '
            "of a configuration file in TOML; docs/settings.md shows one.",
        ),
        (
            {"MOISSON_CLIENT_ID": "PAR_a"},
            "client_secret is missing, while environment variable MOISSON_CLIENT_ID gives part of an account. "
            "An account is a client_id with a client_secret or a client_secret_file; see "
            "docs/account.md.",
        ),
        (
            {"toml": 'client_id = "a"\n[[application]]\nclient_id = "b"\nclient_secret = "s"'},
            "client_id and [[application]] tables are both given, in {folder}/moisson.toml. "
            "Write each application as one [[application]] table, and no credentials outside them.",
        ),
        (
            {"MOISSON_CLIENT_ID": "a", "MOISSON_CLIENT_SECRET": "s", "MOISSON_CLIENT_SECRET_FILE": "f"},
            "client_secret (environment variable MOISSON_CLIENT_SECRET) and client_secret_file (environment variable "
            "MOISSON_CLIENT_SECRET_FILE) are both given. Keep one of them.",
        ),
        (
            {"toml": 'application = "x"'},
            "application, from {folder}/moisson.toml, is not a list of tables. Write one "
            "[[application]] table, in double brackets, for each application.",
        ),
        (
            {
                "toml": '[[application]]\nclient_id = "b"\nclient_secret = "s"\n'
                '[[application]]\nclient_id = "b"\nclient_secret = "t"'
            },
            'client_id = "b" stands twice, as numbers 1 and 2, in {folder}/moisson.toml. '
            "Each table must be another application: the quota belongs to the application.",
        ),
    ],
)
def test_messages(load: Load, tmp_path: Path, arguments: dict[str, object], expected: str) -> None:
    """Each message names the setting, where it came from, what was written and what is accepted."""
    assert message(load, **arguments) == expected.format(folder=tmp_path)


def test_no_account(load: Load) -> None:
    """What needs an account says how to get one, and what can be done without."""
    with pytest.raises(SettingsError, match=r"moisson demo") as caught:
        load().require_applications()
    assert caught.value.exit_code == 2


def test_documentation_tells_every_setting() -> None:
    """docs/settings.md has a row for each setting, with its variable and what is accepted."""
    text = (Path(__file__).parent.parent / "docs" / "settings.md").read_text(encoding="utf-8")
    for setting in SETTINGS:
        assert f"| `{setting.nom}` | `{setting.variable}` |" in text, setting.nom
    fields = {field.name for field in dataclasses.fields(Settings)}
    assert {setting.field for setting in SETTINGS} | {"applications", "source_name", "state_dir", "warnings"} == fields
