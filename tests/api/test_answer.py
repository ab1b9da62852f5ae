"""What an answer means, by values."""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moisson.api.answer import (
    RETRY_AFTER_MAX_S,
    Etendue,
    decode_body,
    excerpt,
    parse_content_range,
    parse_retry_after,
    read_offre,
    read_referentiel,
    read_search,
)
from moisson.errors import (
    MoissonError,
    NetworkTrouble,
    RequestRefused,
    ServerTrouble,
    SettingsError,
    Throttled,
    TokenRefused,
    UnreadableAnswer,
)
from moisson.model import Ligne

OFFRE = {"id": "196FBMG", "intitule": "Boulanger", "dateCreation": "2025-08-13T20:03:51.892Z", "lieuTravail": {"a": []}}
FILTRES = [{"filtre": "experience", "agregation": [{"valeurPossible": "0", "nbResultats": 3}]}]


def page(*offres: dict[str, Any], filtres: object = FILTRES) -> bytes:
    """A search body."""
    return json.dumps({"resultats": list(offres), "filtresPossibles": filtres}).encode()


def lire(body: bytes, status: int = 206, etendue: str = "offres 0-0/5") -> Any:
    """Read a search body."""
    return read_search(status, {"content-range": etendue}, body)


def test_a_page_is_read() -> None:
    """Total, rows, ids with their milliseconds, counts; the rest of each offer is skipped."""
    lue = lire(
        page(OFFRE, {**OFFRE, "id": "0660182", "dateCreation": "2025-08-13T20:03:51Z"}), etendue="offres 0-1/353"
    )
    assert (lue.total, lue.premier, lue.dernier) == (353, 0, 1)
    assert lue.lignes == (Ligne("196FBMG", 1755115431892), Ligne("0660182", 1755115431000))
    assert lue.agregats == {"experience": {"0": 3}}


@pytest.mark.parametrize("status", [200, 206])
def test_the_last_page_may_have_either_status(status: int) -> None:
    """Both were recorded; neither says that the search is at its end."""
    assert lire(page(OFFRE), status).total == 5


@pytest.mark.parametrize(("etendue", "total"), [("*/0", 0), ("offres */0", 0), ("offres -1--1/353", 353)])
def test_nothing_there(etendue: str, total: int) -> None:
    """204: nothing matches, or the range starts beyond the total, which is told all the same."""
    lue = lire(b"", 204, etendue)
    assert (lue.total, lue.premier, lue.dernier, lue.lignes) == (total, -1, -1, ())


def test_fewer_rows_than_announced_pass_through() -> None:
    """Whether that is trouble is for the planner to say."""
    assert len(lire(page(OFFRE), etendue="offres 0-149/5000").lignes) == 1


def test_counts_that_changed_shape_cost_no_offer() -> None:
    """filtresPossibles is a check on top; offers are still offers without it."""
    assert lire(page(OFFRE, filtres={"new": "shape"})).agregats == {}
    assert lire(json.dumps({"resultats": [OFFRE]}).encode()).agregats == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Maintenance</body></html>",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b'{"resultats": null}',
        b'{"resultats": [{}]}',
        b'{"resultats": [null]}',
        page({"id": "1"}),
        page({"dateCreation": OFFRE["dateCreation"]}),
        page({**OFFRE, "id": 196}),
        page({**OFFRE, "id": ""}),
        page({**OFFRE, "dateCreation": 1755115431892}),
        page({**OFFRE, "dateCreation": "13/08/2025 20:03"}),
        page(OFFRE)[:-20],
    ],
    ids=range(16),
)
def test_what_is_not_a_page_is_unreadable(body: bytes) -> None:
    """Each with a short reason and nothing of the body."""
    with pytest.raises(UnreadableAnswer) as erreur:
        lire(body)
    assert len(str(erreur.value)) < 400
    assert "Boulanger" not in str(erreur.value)


def test_what_is_not_read_is_not_judged() -> None:
    """A damaged text inside an offer costs no page: the store meets it when it reads the whole offer."""
    assert lire(page(OFFRE).replace(b"Boulanger", b"Boulang\xff")).lignes[0].id == OFFRE["id"]


def test_html_under_a_success_is_named() -> None:
    """A maintenance page is the usual guest."""
    with pytest.raises(UnreadableAnswer, match="HTML page"):
        lire(b"\n <!doctype html>")


@pytest.mark.parametrize("status", [200, 204, 206])
def test_a_success_without_content_range_is_unreadable(status: int) -> None:
    """Without it there is no total, hence no proof."""
    with pytest.raises(UnreadableAnswer, match="Content-Range"):
        read_search(status, {}, page(OFFRE))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, SettingsError),
        (302, ServerTrouble),
        (307, ServerTrouble),
        (308, SettingsError),
        (400, RequestRefused),
        (401, TokenRefused),
        (403, TokenRefused),
        (404, SettingsError),
        (405, RequestRefused),
        (407, SettingsError),
        (408, ServerTrouble),
        (414, RequestRefused),
        (425, ServerTrouble),
        (429, Throttled),
        (500, ServerTrouble),
        (502, ServerTrouble),
        (503, ServerTrouble),
        (504, ServerTrouble),
        (599, ServerTrouble),
        (201, UnreadableAnswer),
        (600, UnreadableAnswer),
    ],
)
@pytest.mark.parametrize("lecture", [read_search, read_offre, read_referentiel])
def test_statuses(status: int, kind: type[MoissonError], lecture: Any) -> None:
    """The table at the head of the module, whatever was asked and whatever the body."""
    for body in (b"", b"<html>", b'{"message": "Erreur"}', b"\xff\xfe"):
        with pytest.raises(MoissonError) as erreur:
            lecture(status, {"location": "https://elsewhere.example/path?session=abc"}, body)
        assert type(erreur.value) is kind
        assert "session" not in str(erreur.value)


def test_the_services_own_message_is_told() -> None:
    """It is what a person can act on."""
    body = '{"message": "La plage de résultats demandée est trop importante.", "codeHttp": 400}'.encode()
    with pytest.raises(RequestRefused, match="La plage de résultats demandée est trop importante"):
        read_search(400, {}, body)


def test_a_redirect_names_the_host_and_nothing_else() -> None:
    """Its path and query may carry a session."""
    with pytest.raises(SettingsError, match=r"https://new\.example;? ?"):
        read_search(301, {"location": "https://u:p@new.example/a?b=c"}, b"")


@given(p=st.integers(0, 3000), etendue=st.integers(1, 150), total=st.integers(0, 10**7))
def test_content_range_reads_back(p: int, etendue: int, total: int) -> None:
    """Any page of any search."""
    assert parse_content_range(f"offres {p}-{p + etendue - 1}/{total}") == Etendue(p, p + etendue - 1, total)


@pytest.mark.parametrize(
    "value",
    ["", "offres", "0-149", "offres 0-149/", "offres 5-4/9", "bytes 0-1/2", "offres 0-1/*", "offres -1-0/3", "*"],
)
def test_other_content_ranges_are_unreadable(value: str) -> None:
    """Quoted in the message."""
    with pytest.raises(UnreadableAnswer, match=re.escape(repr(value))):
        parse_content_range(value)


@given(st.text())
def test_content_range_never_breaks(value: str) -> None:
    """Any text is read or refused by our error."""
    try:
        etendue = parse_content_range(value)
    except UnreadableAnswer:
        return
    assert etendue.total >= 0


NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [
        (None, None),
        ("1", 1.0),
        (" 2 ", 2.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("-5", 0.0),
        ("86400", RETRY_AFTER_MAX_S),
        ("9" * 40, RETRY_AFTER_MAX_S),
        ("Mon, 23 Nov 2026 12:00:07 GMT", 7.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
        ("Tue, 24 Nov 2026 12:00:00 GMT", RETRY_AFTER_MAX_S),
        ("Mon, 23 Nov 2026 12:00:07", 7.0),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("1e9", None),
    ],
)
def test_retry_after(value: str | None, wait_s: float | None) -> None:
    """Seconds, dates, and what is neither."""
    assert parse_retry_after(value, NOW) == wait_s


@given(st.text())
def test_retry_after_never_breaks(value: str) -> None:
    """Whatever is sent, the wait is bounded."""
    wait_s = parse_retry_after(value, NOW)
    assert wait_s is None or 0 <= wait_s <= RETRY_AFTER_MAX_S


def test_throttled_carries_its_wait() -> None:
    """And server trouble too."""
    with pytest.raises(Throttled) as refus:
        read_search(429, {"retry-after": "1"}, b"slow down")
    assert refus.value.retry_after_s == 1.0
    with pytest.raises(ServerTrouble) as ennui:
        read_search(503, {"retry-after": "Mon, 23 Nov 2026 12:00:07 GMT"}, b"", now_s=NOW)
    assert ennui.value.retry_after_s == 7.0


def test_detail() -> None:
    """The offer as sent, or None when it is gone."""
    body = json.dumps(OFFRE).encode()
    assert read_offre(200, {}, body) == body
    assert read_offre(204, {}, b"") is None
    for other in (b"", b"[]", b"{}", b"<html>"):
        with pytest.raises(UnreadableAnswer):
            read_offre(200, {}, other)


def test_code_list() -> None:
    """A JSON array that is not empty; a list cut to nothing would empty a table."""
    body = b'[{"code": "11", "libelle": "Ile-de-France"}]'
    assert read_referentiel(200, {}, body) == body
    for other in (b"", b"[]", b"{}", b"<html>", b"[{]"):
        with pytest.raises(UnreadableAnswer):
            read_referentiel(200, {}, other)


@given(st.binary(max_size=5000), st.integers(1, 9))
def test_gzip_reads_back(body: bytes, level: int) -> None:
    """Also in several members."""
    assert decode_body("gzip", gzip.compress(body, level), bytes_max=5000) == body
    assert decode_body("gzip", gzip.compress(body[:9]) + gzip.compress(body[9:]), bytes_max=5000) == body
    assert decode_body("", body, bytes_max=5000) == body


@given(st.binary(min_size=1, max_size=500), st.data())
def test_a_truncated_gzip_is_unreadable(body: bytes, data: st.DataObject) -> None:
    """At whichever byte it stops; nothing is never half a page."""
    whole = gzip.compress(body)
    cut = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(UnreadableAnswer):
        decode_body("gzip", whole[:cut], bytes_max=5000)


@given(st.binary(max_size=300))
def test_a_damaged_body_never_breaks(raw: bytes) -> None:
    """Any bytes decode or are refused by our error."""
    try:
        decode_body("gzip", raw, bytes_max=1000)
    except UnreadableAnswer:
        return
    assert raw[:2] in (b"", b"\x1f\x8b")


@pytest.mark.parametrize("encoding", ["gzip", ""])
def test_a_bomb_is_refused(encoding: str) -> None:
    """Ten megabytes of zeros are ten kilobytes on the wire; no more than the bound is ever decoded."""
    zeros = bytes(10_000_000)
    with pytest.raises(UnreadableAnswer, match="larger"):
        decode_body(encoding, gzip.compress(zeros) if encoding else zeros, bytes_max=1_000_000)


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, br"])
def test_an_encoding_that_was_not_asked_for(encoding: str) -> None:
    """Named in the message."""
    with pytest.raises(UnreadableAnswer, match=re.escape(encoding)):
        decode_body(encoding, b"x", bytes_max=10)


@given(st.text(max_size=2000))
def test_excerpt_is_short_and_on_one_line(text: str) -> None:
    """Control characters of a foreign text never reach a terminal."""
    short = excerpt(text)
    assert len(short) <= 160
    assert short.isprintable()


def test_not_a_network_error() -> None:
    """An unreadable answer came; NetworkTrouble is for those that did not."""
    assert not issubclass(UnreadableAnswer, NetworkTrouble)
