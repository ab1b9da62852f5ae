"""From the package's JSON lists to the tables of `moisson.territory.reference`. Pure."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from moisson.territory.placing import LIEUX, MACRO
from moisson.territory.reference import LOOKUPS, TABLES

Rows = list[dict[str, Any]]

STATUTS = {"commune-deleguee": "deleguee", "commune-associee": "associee"}


def make_tables(lists: Mapping[str, Rows], year: int, exceptions: Mapping[str, int]) -> dict[str, pa.Table]:
    """The tables of territories, all but the borders.

    Args:
        lists: the package's lists: communes, departements, regions, epci.
        year: which year the municipal populations were counted for.
        exceptions: another year for a département; 0 where it is not known.

    Raises:
        ValueError: the lists contradict each other, or are not of the shape that is known.
    """
    by_type: dict[str, Rows] = collections.defaultdict(list)
    for row in lists["communes"]:
        by_type[row["type"]].append(row)
    if unknown := set(by_type) - {"commune-actuelle", "arrondissement-municipal", *STATUTS}:
        raise ValueError(f"communes of an unknown type: {', '.join(sorted(unknown))}")

    def place(row: Mapping[str, Any]) -> dict[str, Any]:
        return _place(row, exceptions.get(row["departement"], year))

    epci_of = {member["code"]: group["code"] for group in lists["epci"] for member in group["membres"]}
    present = by_type["commune-actuelle"]
    communes = [
        {
            **place(row),
            "zone": row["zone"],
            "epci": epci_of.get(row["code"]),
        }
        for row in present
    ]
    known = {row["code"] for row in present}
    if strangers := set(epci_of) - known:
        raise ValueError(f"members of EPCI that are no communes: {sorted(strangers)[:5]}")
    rows = {
        "communes": communes,
        "arrondissements_municipaux": [
            {**place(row), "commune": row["commune"]} for row in by_type["arrondissement-municipal"]
        ],
        "communes_anciennes": _former(present, [row for statut in STATUTS for row in by_type[statut]]),
        "departements": [
            {"code": row["code"], "nom": row["nom"], "region": row["region"], "chef_lieu": row["chefLieu"],
             "zone": row["zone"], **_sums(communes, "departement", row["code"])}
            for row in lists["departements"]
        ],
        "regions": [
            {"code": row["code"], "nom": row["nom"], "chef_lieu": row["chefLieu"], "zone": row["zone"],
             **_sums(communes, "region", row["code"])}
            for row in lists["regions"]
        ],
        "epci": [
            {"code": row["code"], "nom": row["nom"], "type": row["type"], **_sums(communes, "epci", row["code"]),
             "departements": sorted({c["departement"] for c in communes if c["epci"] == row["code"]})}
            for row in lists["epci"]
        ],
    }  # fmt: skip
    _check(rows)
    return {
        table: pa.Table.from_pylist(sorted(found, key=lambda row: str(row["code"])), schema=TABLES[table])
        for table, found in rows.items()
    }


def _place(row: Mapping[str, Any], year: int) -> dict[str, Any]:
    population = row.get("population")
    return {
        "code": row["code"],
        "nom": row["nom"],
        "departement": row["departement"],
        "region": row["region"],
        "population": population,
        "population_annee": year or None if population is not None else None,
        "codes_postaux": sorted(row.get("codesPostaux", ())),
    }


def _former(present: Rows, parts: Rows) -> Rows:
    """Codes that are no commune's any more; a part that has its commune's code is that commune.

    A few former codes are told of two communes (55273 and 60455 in 2026): what a place is a part of today decides.
    """
    found = {
        code: {"code": code, "nom": None, "commune": row["code"], "statut": "disparue"}
        for row in present
        for code in row.get("anciensCodes", ())
    }
    for row in parts:
        if row["code"] == row["chefLieu"]:
            continue
        found[row["code"]] = {
            "code": row["code"], "nom": row["nom"], "commune": row["chefLieu"], "statut": STATUTS[row["type"]],
        }  # fmt: skip
    return list(found.values())


def _sums(communes: Rows, key: str, code: str) -> dict[str, int]:
    mine = [row for row in communes if row[key] == code]
    return {"population": sum(row["population"] or 0 for row in mine), "communes": len(mine)}


def _check(rows: Mapping[str, Rows]) -> None:
    """What the product relies on, said here rather than found out by a wrong map."""
    codes: dict[str, set[str]] = {}
    for table, found in rows.items():
        codes[table] = {row["code"] for row in found}
        if len(codes[table]) != len(found):
            raise ValueError(f"a code is twice in {table}")
    _need(codes["communes"], (row["commune"] for row in rows["arrondissements_municipaux"]), "arrondissements")
    _need(codes["communes"], (row["commune"] for row in rows["communes_anciennes"]), "former communes")
    _need(codes["departements"], (row["departement"] for row in rows["communes"]), "communes")
    _need(codes["regions"], (row["region"] for row in rows["departements"]), "départements")
    if again := codes["communes"] & codes["communes_anciennes"]:
        raise ValueError(f"codes of present and of former communes: {sorted(again)[:5]}")
    parts: collections.Counter[str] = collections.Counter()
    for row in rows["arrondissements_municipaux"]:
        parts[row["commune"]] += row["population"]
    for row in rows["communes"]:
        if row["code"] in parts and parts[row["code"]] != row["population"]:
            raise ValueError(f"the arrondissements of {row['nom']} do not add up to it")


def _need(known: set[str], named: Iterable[str], who: str) -> None:
    if strangers := set(named) - known:
        raise ValueError(f"{who} name codes that are not there: {sorted(strangers)[:5]}")


def make_lookups(tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """The tables that placing looks codes, names and postcodes up in: too slow to make anew for each query."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")  # the same rows in the same order, each time
        for table, data in tables.items():
            connection.register(table, data)
        connection.execute(MACRO)
        return {table: connection.sql(sql).to_arrow_table().cast(LOOKUPS[table]) for table, sql in LIEUX.items()}


def total_population(communes: pa.Table, excluded: Sequence[str]) -> int:
    """Inhabitants of all communes but those of the départements `excluded`."""
    return sum(row["population"] or 0 for row in communes.to_pylist() if row["departement"] not in excluded)
