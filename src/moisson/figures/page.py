"""A map as a page of its own: the SVG inside, a small script that tells of what the pointer is on, a table for all.

It asks nothing of any other place: its own security policy forbids it.
"""

from __future__ import annotations

import html
import re
from typing import Any

import msgspec

from moisson.figures.map import Drawn
from moisson.figures.sheet import Caption, render
from moisson.figures.words import SIMULATED, number
from moisson.store.indicators.result import Chiffres

__all__ = ["map_page"]

_ROWS_MAX = 2000
"""Rows of the table at most; a file is the better place for 35,000 communes."""

_PAGE = """<!DOCTYPE html>
<html lang="fr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
script-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ margin: 0 auto; max-width: 70rem; padding: 0 1rem 2rem; font: 16px/1.5 system-ui, sans-serif; color: #1f2933 }}
svg {{ width: 100%; height: auto }}
[id^="t-"] path, :is([id^="c-"], [id^="s-"]) :is(use, path) {{ cursor: default }}
[id^="t-"]:hover path, :is([id^="c-"], [id^="s-"]) :is(use, path):hover {{ \
stroke: #1f2933 !important; stroke-width: 1.4px !important }}
#dire {{ position: fixed; pointer-events: none; background: #1f2933; color: #fff; padding: .4rem .6rem; \
border-radius: .3rem; font-size: .9rem; white-space: pre-line; max-width: 20rem }}
table {{ border-collapse: collapse }} th, td {{ padding: .2rem .8rem .2rem 0; text-align: left; \
border-bottom: 1px solid #dde1e6 }} td.n {{ text-align: right; font-variant-numeric: tabular-nums }}
</style>
</head>
<body>
<main aria-label="{title}">
{svg}
<div id="dire" role="status" hidden></div>
<details><summary>{summary}</summary>
<table><thead><tr>{heads}</tr></thead>
<tbody>
{rows}
</tbody></table></details>
</main>
<script>
const data = {data};
const dire = document.getElementById("dire");
const codes = new Map();
for (const [id, code] of Object.entries(data.territories))
  if (code) codes.set(document.getElementById(id), code);
for (const [id, list] of Object.entries(data.circles))
  [...document.getElementById(id).querySelectorAll("use, path")].filter(shape => !shape.closest("defs"))
    .forEach((shape, n) => codes.set(shape, list[n]));
document.querySelector("svg").addEventListener("pointermove", event => {{
  let found = event.target;
  while (found && !codes.has(found)) found = found.parentElement;
  dire.hidden = !found;
  if (!found) return;
  dire.textContent = (data.labels[codes.get(found)] || []).join("\\n");
  dire.style.left = Math.min(event.clientX + 14, innerWidth - dire.offsetWidth - 8) + "px";
  dire.style.top = Math.min(event.clientY + 14, innerHeight - dire.offsetHeight - 8) + "px";
}});
document.querySelector("svg").addEventListener("pointerleave", () => {{ dire.hidden = true }});
</script>
</body>
</html>
"""


def map_page(drawn: Drawn, caption: Caption, chiffres: Chiffres) -> bytes:
    """The page of a map that was drawn."""
    svg = render(drawn.sheet, "svg").decode()
    # What stands before the element is for files, not for pages; the metadata names addresses that nobody asks.
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    title = f"{caption.title} – {caption.subtitle}" + (f" – {SIMULATED}" if caption.simulated else "")
    shown = {code for codes in drawn.circles.values() for code in codes} | set(drawn.territories.values())
    data = {
        "territories": drawn.territories,
        "circles": drawn.circles,
        "labels": {code: said for code, said in drawn.labels.items() if code in shown},
    }
    # No text may end the script.
    script = msgspec.json.encode(data).decode().replace("<", "\\u003c")
    rows = _rows(chiffres)
    summary = f"Tableau ({len(rows)} lignes)"
    if len(rows) > _ROWS_MAX:
        summary = f"Tableau (les {_ROWS_MAX} premières de {number(len(rows))} lignes, par nombre d'offres)"
    return _PAGE.format(
        title=html.escape(title),
        svg=svg,
        summary=summary,
        heads="".join(f"<th>{html.escape(head)}</th>" for head in ("Code", "Nom", _unit(chiffres), "Offres", "")),
        rows="\n".join(rows[:_ROWS_MAX]),
        data=script,
    ).encode()


def _unit(chiffres: Chiffres) -> str:
    unit = chiffres.question.indicateur.unite
    return unit[0].upper() + unit[1:]


def _rows(chiffres: Chiffres) -> list[str]:
    territoire = chiffres.question.territoire
    assert territoire is not None
    found = chiffres.question.indicateur
    rows = chiffres.table.to_pylist()
    rows.sort(key=lambda row: -(row["n"] or 0))

    def line(row: dict[str, Any]) -> str:
        code, mention = row[territoire.nom] or "", row["mention"] or ""
        name = row[f"{territoire.nom}_nom"] or ("non localisées" if not code else "")
        value = number(row["valeur"], found.decimales) if row["valeur"] is not None else "–"
        n = number(row["n"]) if row["n"] is not None else "–"
        said = ", ".join(_MENTIONS[part] for part in mention.split() if part in _MENTIONS)
        cells = f"<td>{html.escape(code)}</td><td>{html.escape(name)}</td>"
        return f"<tr>{cells}<td class='n'>{value}</td><td class='n'>{n}</td><td>{said}</td></tr>"

    return [line(row) for row in rows]


_MENTIONS = {
    "masque": "non montré : trop peu d'offres",
    "petit": "peu d'offres",
    "non_atteinte": "plus de la moitié encore en ligne",
    "sans_population": "sans population",
}
