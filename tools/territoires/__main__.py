"""Makes the files of `src/moisson/territory/data` from two open npm packages, and says what changed.

    make territoires

Needs npm and node. Versions, checksums and vintages stand in `sources.toml` beside this file. The same sources give
the same bytes; nothing is written unless all of it could be made.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from moisson.territory import reference
from tools.territoires.changes import changes
from tools.territoires.contours import dissolve, match, segments
from tools.territoires.tables import make_lookups, make_tables, total_population

SHIPPED = ("decoupage", "contours")
"""The sources whose content is shipped; the others only help."""

ABSENT = [
    "where a commune's centre lies: no package of a clear licence says it; the offers say where they are",
    "borders of territories overseas that are no département, as Saint-Martin",
]


def bring(source: dict[str, Any], folder: Path) -> Path:
    """Pack one package by its name, check it, unpack it; its folder."""
    wanted = f"{source['package']}@{source['version']}"
    done = subprocess.run(
        ["npm", "pack", wanted, "--json", "--ignore-scripts", "--pack-destination", str(folder)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    # npm changed this answer from a list to an object by package; both hold one.
    answer = json.loads(done.stdout)
    (packed,) = answer if isinstance(answer, list) else answer.values()
    archive = folder / Path(packed["filename"]).name
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if source["integrity"] != f"sha512-{digest}":
        sys.exit(f"{wanted} is not what sources.toml expects: sha512-{digest}")
    target = folder / archive.stem
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    print(f"{wanted}: checksum as expected")
    return target / "package"


class Made(NamedTuple):
    """Tables, look-up tables, borders, and the packages' licences, which ask to go wherever their content goes."""

    tables: dict[str, pa.Table]
    lookups: dict[str, pa.Table]
    topology: dict[str, Any]
    licences: dict[str, str]


def make(sources: dict[str, Any]) -> Made:
    """Everything, from packages that are thrown away afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        packages = {name: bring(source, Path(folder)) for name, source in sources.items()}
        data = packages["decoupage"] / "data"
        lists = {nom: json.loads((data / f"{nom}.json").read_bytes()) for nom in
                 ("communes", "departements", "regions", "epci")}  # fmt: skip
        populations = sources["decoupage"]["populations"]
        tables = make_tables(lists, populations["year"], populations["exceptions"])
        france = json.loads((packages["contours"] / "dist" / "topojson" / "countries" / "FRA.json").read_bytes())
        topology = dissolve(
            match(france, tables["departements"]),
            packages["topojson"] / "dist" / "topojson-client.js",
            tables["regions"],
        )
        licences = {name: (packages[name] / "LICENSE").read_text(encoding="utf-8") for name in SHIPPED}
    return Made(tables, {**make_lookups(tables), "contours": segments(topology)}, topology, licences)


def check_total(sources: dict[str, Any], tables: dict[str, pa.Table]) -> reference.Total:
    """The populations against the published figure; they agree, or the recipe stops."""
    published = sources["decoupage"]["published"]
    found = total_population(tables["communes"], published["excluded"])
    step = published["rounded_to"]
    if round(found / step) * step != published["total"]:
        sys.exit(f"Populations add up to {found:,}, but {published['total']:,} was published for {published['scope']}")
    print(f"population: {found:,}, published {published['total']:,}: {published['scope']}")
    return reference.Total(published["total"], step, found, published["scope"], published["source"])


def write(sources: dict[str, Any], made: Made, total: reference.Total) -> None:
    """All files and the manifest."""
    borders = {reference.CONTOURS.stem, reference.lookup_files()["contours"].stem, "LICENCE-contours"}
    kept = {name: sources[name] for name in SHIPPED}
    texts = {
        name: f"{s['package']} {s['version']} ({s['licence']}); data: {s['licence_data']}; {s['vintage']}"
        for name, s in kept.items()
    }
    reference.DATA.mkdir(exist_ok=True)
    files = {**{reference.files()[name]: data for name, data in made.tables.items()},
             **{reference.lookup_files()[name]: data for name, data in made.lookups.items()}}  # fmt: skip
    for path, data in files.items():
        source = texts["contours" if path.stem in borders else "decoupage"]
        schema = data.schema.with_metadata({"source": source})
        pq.write_table(data.cast(schema), path, compression="zstd", compression_level=19)
    topology = {"source": texts["contours"], **made.topology}
    text = json.dumps(topology, ensure_ascii=False, separators=(",", ":"))
    reference.CONTOURS.write_text(text, encoding="utf-8")
    licences = {name: reference.DATA / f"LICENCE-{name}.txt" for name in SHIPPED}
    for name, path in licences.items():
        path.write_text(made.licences[name], encoding="utf-8")
    written = sorted([*files, *licences.values(), reference.CONTOURS])
    manifest = reference.Manifest(
        millesime=sources["decoupage"]["vintage"],
        populations=sources["decoupage"]["populations"]["meaning"],
        sources=[
            reference.Source(
                nom=f"{s['package']} {s['version']}",
                integrite=s["integrity"],
                licence=s["licence"],
                licence_donnees=s["licence_data"],
                millesime=s["vintage"],
                fichiers=[p.name for p in written if (p.stem in borders) == (name == "contours")],
            )
            for name, s in kept.items()
        ],
        lignes={table: data.num_rows for table, data in made.tables.items()},
        sha256={path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in written},
        total=total,
        absents=ABSENT,
    )
    reference.MANIFEST.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
    print(f"{len(written)} files, {sum(path.stat().st_size for path in written):,} bytes, in {reference.DATA}")


def main() -> None:
    """Bring, check, compare, write."""
    sources = tomllib.loads((Path(__file__).parent / "sources.toml").read_text(encoding="utf-8"))
    before = {name: pq.read_table(path) for name, path in reference.files().items() if path.is_file()}
    made = make(sources)
    total = check_total(sources, made.tables)
    said = changes(before, made.tables)
    write(sources, made, total)
    print("\n".join(said) if said else "nothing changed in the tables")


if __name__ == "__main__":
    main()
