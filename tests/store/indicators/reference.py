"""Writes docs/indicators.md from the definitions; a test compares the two."""

from __future__ import annotations

import sys

HEAD = """# Indicators

Written by `make docs` from the definitions (`src/moisson/store/indicators/definitions.py`); a test compares them.

```sh
moisson indicator                                              # the list
moisson indicator offres_pour_mille --by departement           # a table here
moisson indicator salaire_median salaires.xlsx --by region,grand_domaine
moisson indicator nouvelles nouvelles.csv --by departement,semaine --rome M18
```

In Python, `moisson.open_store("moisson-store").indicator("offres", by=["region"])` gives the same figures as an Arrow
table.

## What is counted

| rows | what |
|---|---|
| `etat` | offers online now; by period: those online after the last run of each period |
| `arrivees` | stays online that began; an offer that comes back begins another one |
| `departs` | stays that ended |
| `durees` | stays that began while the store looked |

The first run of a store finds what was there before: these are no arrivals, and how long they had been online is not
known. What a run finds is dated by that run (UTC), so offers that came in a missed night are those of the next run, and
a time online is known to one night. Withdrawn offers count in all that tells of the past.

"""

RULES = """
- **n** is how many offers a figure rests on. With few, a figure is hidden (`masque`) as the table says. A figure of the
  past that rests on fewer than {masque} offers is hidden too, and so is its n: a withdrawn offer is never shown singly.
- **petit** marks a figure that rests on fewer than {petit} offers.
- **Not placed.** Offers without a known territory are a row without a code (`non_place`), and every command says their
  share. By commune and EPCI, these are also those placed no finer than their département. With `--region` or
  `--departement`, the command also says how many offers of the country are placed nowhere: some may lie there.
- **Populations** are municipal ones ([territories.md](territories.md)); where a territory is looked at in part, only
  the inhabitants of that part count.
- **--distinct** counts one offer of each job that several partners publish (`offres_distinctes`); this is known of
  offers online now only.
- **Nights.** What tells of change needs two nights, and says so where there is one. By period, `nuits` says how many
  days had a run, and `incomplet` that some had none. A median time online is given once half of the offers that came
  are gone (`non_atteinte` before).
- **Past communes.** Withdrawn offers lose their commune. By commune and EPCI the past is told from the counts by day
  (`agregats_jour`), which can tell counts only, and only of offers whose commune the API gave.
- A table has a row for each territory (and period), also where there is nothing, as long as no trade or contract is
  asked and no period by commune or EPCI.
- The pay is that of the job as offered, part-time jobs included; only offers that state it are known, and they are not
  like the others: read it as what is *advertised*.
"""

VIEWS = """
In `moisson sql`, in `store.sql()` and in `store.duckdb()`, a row a figure; several indicators stand in one view, told
apart by its column `indicateur`. They are the same figures by the same definitions, hidden by the same rules.

```sh
moisson sql "select departement_nom, valeur from indicateurs_par_departement where indicateur = 'offres_pour_mille'"
moisson sql "select * from indicateurs_par_semaine where indicateur in ('nouvelles', 'retirees')"
```

- By territory, of the offers online now:
  {now}.
- By week, the same of the offers online after the last run of the week; and from the second night on
  {past}.

What has no view is asked with `moisson indicator`: by trade, contract, day or month, of one territory only, without
duplicates.

| view | columns |
|---|---|"""


def _listed(*fonds: str) -> str:
    """The names of the indicators over these rows."""
    from moisson.store.indicators.definitions import INDICATEURS

    names = [f"`{found.nom}`" for found in INDICATEURS.values() if found.fonds in fonds]
    return ", ".join(names[:-1]) + f" and {names[-1]}"


def reference() -> str:
    """The whole document."""
    from moisson.store.indicators.axes import AXES
    from moisson.store.indicators.definitions import INDICATEURS, MASQUE_RETIREES, PETIT
    from moisson.store.indicators.views import indicator_views

    lines = ["## The indicators", "", "| name | what | unit | rows | hidden below | nights | past communes |"]
    lines.append("|---|---|---|---|--:|--:|---|")
    for found in INDICATEURS.values():
        past = "yes" if found.jour else "no"
        cells = [f"`{found.nom}`", found.sens, found.unite, f"`{found.fonds}`", str(found.masque_sous or "")]
        lines.append(f"| {' | '.join([*cells, str(found.nuits), past])} |")
    lines += ["", "## By what", "", "At most one of each line.", "", "| | names for `--by` |", "|---|---|"]
    sortes = dict.fromkeys(axe.sorte for axe in AXES.values())
    said = {"territoire": "territory", "metier": "trade", "contrat": "contract", "periode": "period"}
    for sorte in sortes:
        names = ", ".join(f"`{axe.nom}`" for axe in AXES.values() if axe.sorte == sorte)
        lines.append(f"| {said[sorte]} | {names} |")
    lines += ["", "## Rules", RULES.format(masque=MASQUE_RETIREES, petit=PETIT)]
    views = ["", "## As views", VIEWS.format(now=_listed("etat"), past=_listed("arrivees", "departs", "durees"))]
    for view in indicator_views():
        views.append(f"| `{view.nom}` | {', '.join(f'`{name}`' for name in view.colonnes.names)} |")
    sql = ["", "## As SQL", "", "Each is an aggregate over its rows.", "", "| name | value | n |", "|---|---|---|"]
    for found in INDICATEURS.values():
        calcul = f"`{found.calcul}`" if found.calcul else "Kaplan and Meier's median of the days online"
        sql.append(f"| `{found.nom}` | {calcul} | `{found.n}` |")
    return HEAD + "\n".join([*lines[:-1], lines[-1].rstrip("\n"), *views, *sql]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
