"""Official files from their addresses: a real server on this machine, well and badly behaved."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from moisson.errors import MoissonError, StoreUnwritable
from moisson.territory import fetch as module
from moisson.territory.fetch import FILES, Fetched, RemoteFile, fetch, fetched

GZ = gzip.compress(b'{"type":"FeatureCollection","features":[]}', mtime=0)
NOW_S = 1_790_000_000.0


class Server:
    """What is served: path to (status, body, headers); paths that were asked."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes, dict[str, str]]] = {}
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                status, body, headers = server.answers.get(self.path, (404, b"no", {}))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that is stopped at the end."""
    served = Server()
    thread = threading.Thread(target=served.http.serve_forever)
    thread.start()
    yield served
    served.http.shutdown()
    thread.join()
    served.http.server_close()


def remote(server: Server, nom: str = "contours", fichier: str = "a.geojson.gz") -> RemoteFile:
    """A file on that server."""
    return RemoteFile(nom, f"{server.base}/{fichier}", "borders", "2026", "Etalab", "LO", b"\x1f\x8b")


def bring(folder: Path, *wanted: RemoteFile, now_s: float = NOW_S) -> tuple[list[MoissonError], list[object]]:
    """Fetch; what failed, and what was told."""
    told: list[object] = []
    return fetch(folder, wanted, now_s, tell=lambda found, one: told.append(found)), told


def test_a_file_is_kept_as_it_came_with_its_checksum(tmp_path: Path, server: Server) -> None:
    """Also when the address redirects, as the real one does; what was brought is remembered."""
    server.answers["/a.geojson.gz"] = (302, b"", {"Location": "/elsewhere"})
    server.answers["/elsewhere"] = (200, GZ, {})
    failed, told = bring(tmp_path / "territoires", remote(server))
    assert failed == []
    (found,) = fetched(tmp_path / "territoires")
    assert told == [found]
    assert (tmp_path / "territoires" / "a.geojson.gz").read_bytes() == GZ
    assert (found.sha256, found.octets, found.recu_s) == (hashlib.sha256(GZ).hexdigest(), len(GZ), NOW_S)
    assert (found.nom, found.licence, found.millesime, found.sha256_avant) == ("contours", "LO", "2026", "")


def test_a_file_that_changed_is_told(tmp_path: Path, server: Server) -> None:
    """With the checksum that it had; the same again is no change."""
    server.answers["/a.geojson.gz"] = (200, GZ, {})
    bring(tmp_path, remote(server))
    bring(tmp_path, remote(server), now_s=NOW_S + 1)
    assert [(f.sha256_avant, f.recu_s) for f in fetched(tmp_path)] == [("", NOW_S + 1)]
    server.answers["/a.geojson.gz"] = (200, GZ + b"more", {})
    bring(tmp_path, remote(server))
    assert [f.sha256_avant for f in fetched(tmp_path)] == [hashlib.sha256(GZ).hexdigest()]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((404, b"no", {}), "The answer is 404"),
        ((503, b"later", {}), "The answer is 503"),
        ((200, b"<html>maintenance</html>", {}), "not the file that was expected"),
        ((200, b"\x1f<html>", {}), "not the file that was expected"),
        ((200, b"", {}), "not the file that was expected"),
        ((200, GZ, {"Content-Length": "999999"}), "broke off"),
        ((302, b"", {"Location": "http://192.0.2.1/a.geojson.gz"}), "plain http at 192.0.2.1"),
    ],
    ids=["absent", "down", "a page", "half a magic", "nothing", "cut off", "to plain http"],
)
def test_what_fails_leaves_what_was_there(
    tmp_path: Path, server: Server, answer: tuple[int, bytes, dict[str, str]], said: str
) -> None:
    """The file of the time before stays, nothing is left aside, the other files come all the same."""
    server.answers["/a.geojson.gz"] = (200, GZ, {})
    bring(tmp_path, remote(server))
    server.answers |= {"/a.geojson.gz": answer, "/b.gz": (200, GZ, {})}
    failed, told = bring(tmp_path, remote(server), remote(server, "autre", "b.gz"))
    assert [type(found) for found in told] == [type(failed[0]), Fetched]
    assert said in str(failed[0])
    assert "bringing" in str(failed[0])
    assert [f.nom for f in fetched(tmp_path)] == ["autre", "contours"]
    assert (tmp_path / "a.geojson.gz").read_bytes() == GZ
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.geojson.gz", "b.gz", "territoires.json"]


def test_no_network(tmp_path: Path, server: Server) -> None:
    """A refused connection is told as such; nothing is written."""
    wanted = msgspec.structs.replace(remote(server), url="http://127.0.0.1:9/a.gz")
    failed, _ = bring(tmp_path / "territoires", wanted)
    assert "No connection could be made" in str(failed[0])
    assert fetched(tmp_path / "territoires") == []


def test_an_endless_answer_is_cut(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it fills the disk."""
    monkeypatch.setattr(module, "BYTES_MAX", 10)
    server.answers["/a.geojson.gz"] = (200, GZ, {})
    failed, _ = bring(tmp_path, remote(server))
    assert "not the file that was expected" in str(failed[0])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path, server: Server) -> None:
    """Is told once, not for each file."""
    server.answers["/a.geojson.gz"] = (200, GZ, {})
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnwritable):
        bring(tmp_path / "file", remote(server))


def test_a_file_that_was_removed_is_not_there(tmp_path: Path, server: Server) -> None:
    """Whatever the record says; a damaged record is none."""
    server.answers["/a.geojson.gz"] = (200, GZ, {})
    bring(tmp_path, remote(server))
    (tmp_path / "a.geojson.gz").unlink()
    assert fetched(tmp_path) == []
    (tmp_path / "territoires.json").write_text("{")
    assert fetched(tmp_path) == []


def test_the_addresses_are_official() -> None:
    """Public bodies, protected, each file of its own name."""
    hosts = {one.url.split("/")[2] for one in FILES}
    assert hosts == {"etalab-datasets.geo.data.gouv.fr", "www.insee.fr"}
    assert all(one.url.startswith("https://") for one in FILES)
    assert len({one.fichier for one in FILES}) == len({one.nom for one in FILES}) == len(FILES)
