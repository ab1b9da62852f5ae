"""Ask 750,000 offers where they are, by territory: time of the view `offres_placees`, and of the engine's opening.

    python bench/placing.py [OFFRES]

The rows have places as real ones do: 94.7 % a code, 2.3 % a label alone, 1.5 % coordinates alone, 1.5 % nothing.
Processor time is shown beside the clock's, since other work may share the machine.
"""

from __future__ import annotations

import argparse
import datetime as dt
import functools
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from moisson.store.engine import Engine
from moisson.territory import reference
from moisson.territory.placing import placing_sql

QUERIES = {
    "count by département, as the API's code says": "SELECT departement, count(*) FROM donnees GROUP BY ALL",
    "count by région, placed": "SELECT region, count(*) FROM placees GROUP BY ALL",
    "count by EPCI, placed": "SELECT epci, count(*) FROM placees GROUP BY ALL",
    "count by commune, placed": "SELECT commune, count(*) FROM placees GROUP BY ALL",
    "per 1,000 inhabitants by département": "SELECT d.nom, 1000 * count(*) / d.population FROM placees AS p "
    "JOIN departements AS d ON d.code = p.departement GROUP BY d.nom, d.population",
    "how they were placed": "SELECT place_par, count(*) FROM placees GROUP BY ALL",
}


def write_offres(path: Path, offres: int) -> None:
    """A file with the columns of offers that placing looks at, and one that it does not."""
    with duckdb.connect() as connection:
        communes, arrondissements = (
            f"read_parquet('{reference.files()[name]}')" for name in ("communes", "arrondissements_municipaux")
        )
        connection.execute(f"""
            SELECT setseed(0.42);
            CREATE TABLE lieux AS SELECT *, row_number() OVER () - 1 AS rang FROM (
                SELECT code, nom, departement, codes_postaux[1] AS postal FROM {communes}
                WHERE zone <> 'com' AND code NOT IN ('75056', '69123', '13055')
                UNION ALL SELECT code, nom, departement, codes_postaux[1] FROM {arrondissements}
            );
            CREATE TABLE tirage AS SELECT i, random() AS sort, 42 + random() * 9 AS lat, random() * 14 - 5 AS lon,
                (random() * (SELECT count(*) - 1 FROM lieux))::INTEGER AS rang FROM range({offres}) AS t(i);
            COPY (
                SELECT printf('%07d', i) AS id, repeat(md5(i::VARCHAR), 60) AS description, departement,
                    struct_pack(
                        libelle := CASE WHEN sort < 0.97 THEN departement || ' - ' || upper(nom)
                            WHEN sort < 0.985 THEN 'France' ELSE 'Luxembourg' END,
                        latitude := CASE WHEN sort < 0.947 OR sort BETWEEN 0.97 AND 0.985 THEN lat END,
                        longitude := CASE WHEN sort < 0.947 OR sort BETWEEN 0.97 AND 0.985 THEN lon END,
                        code_postal := CASE WHEN sort < 0.947 THEN postal END,
                        commune := CASE WHEN sort < 0.947 THEN code END
                    ) AS lieu_travail
                FROM tirage JOIN lieux USING (rang)
            ) TO '{path}' (COMPRESSION zstd)""")


def best(work: Callable[[], object], times: int = 5) -> str:
    """The least time of several, of the clock and of the processors."""
    took = []
    for _ in range(times):
        clock, processor = time.perf_counter(), time.process_time()
        work()
        took.append((time.perf_counter() - clock, time.process_time() - processor))
    return f"{min(t[0] for t in took):6.3f} s, {min(t[1] for t in took):6.3f} s of processors"


def main() -> None:
    """Write, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("offres", nargs="?", type=int, default=750_000)
    offres = parser.parse_args().offres
    print(
        f"{dt.datetime.now(dt.UTC).date()}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    print(f"opening the engine: {best(lambda: Engine(None).close())}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "offres.parquet"
        write_offres(path, offres)
        with Engine(None, with_files={"donnees": path}) as engine:
            for what, sql in QUERIES.items():
                placed = sql.replace("placees", f"({placing_sql('donnees')})")
                print(f"{what}: {best(functools.partial(engine.query, placed))}")
            shown = engine.query(placed)
            print(dict(sorted(tuple(row.values()) for row in shown.to_pylist())))


if __name__ == "__main__":
    main()
