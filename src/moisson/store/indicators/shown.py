"""What of an indicator's figures is shown: rounded, hidden where too few offers stand behind, with a word on why. Pure.

The command, the Python door, maps, series and the views of `moisson sql` all pass here: what is hidden in one is hidden
in all.
"""

from __future__ import annotations

from moisson.store.indicators.definitions import MASQUE_RETIREES, PETIT
from moisson.store.indicators.statement import Question

__all__ = ["MENTIONS", "shown"]

MENTIONS = {
    "masque": "not shown: it rests on too few offers",
    "petit": f"small: it rests on fewer than {PETIT} offers",
    "non_place": "offers that are not placed, or no finer than a larger territory",
    "sans_population": "nobody lives there, or it is no territory",
    "non_atteinte": "more than half of the offers are still online",
    "incomplet": "days of this period had no run, so it is not known whole",
}
"""What `mention` may say, several joined by a blank, in this order; null: nothing to say."""


def shown(question: Question, figures: str) -> str:
    """A SELECT of the figures as they may be shown.

    Args:
        question: what is asked.
        figures: a SELECT of them with nothing hidden nor rounded, as `figures` or `statement` of statement.py.

    Returns:
        SQL whose columns are each axis and its name, `population` (rates), `valeur` (null: hidden or not known), `n`
        (null where it would show a withdrawn offer singly), `nuits` (periods), `mention`; and at last `toutes`, the
        offers that are really there, to be summed and never shown.
    """
    found, territoire, periode = question.indicateur, question.territoire, question.periode
    below = max(found.masque_sous, MASQUE_RETIREES if question.past else 0)
    type_ = "DOUBLE" if found.decimales else "BIGINT"
    rate = found.genre == "taux"
    inhabited = "population IS NOT NULL" if rate else "true"
    # Where nothing was found there is nothing, which is a figure; but none per inhabitant where nobody lives.
    nought = "0" if found.genre in {"compte", "taux"} else "NULL"
    marks = {
        "masque": "masque",
        "petit": f"NOT masque AND toutes > 0 AND toutes < {PETIT}",
        "non_place": f"{territoire.nom} IS NULL" if territoire is not None else "",
        "sans_population": "population IS NULL" if rate else "",
        "non_atteinte": "NOT masque AND valeur IS NULL AND toutes > 0" if found.fonds == "durees" else "",
        "incomplet": "nuits < nuits_attendues" if periode is not None and found.fonds != "etat" else "",
    }
    mention = ", ".join(f"if({test}, '{mark}', NULL)" for mark, test in marks.items() if test)
    columns = [
        *(name for axe in question.axes for name in ((axe.nom,) if axe is periode else (axe.nom, f"{axe.nom}_nom"))),
        *(["population"] if rate else []),
        f"if(masque, NULL, round_even(valeur, {found.decimales}))::{type_} AS valeur",
        f"if({question.past} AND toutes > 0 AND toutes < {MASQUE_RETIREES}, NULL, toutes) AS n",
        *(["nuits"] if periode is not None else []),
        f"nullif(concat_ws(' ', {mention}), '') AS mention",
        "toutes",
    ]
    order = ", ".join(f"{axe.nom} NULLS LAST" for axe in question.axes)
    return f"""
    WITH chiffres AS (
        SELECT * EXCLUDE (n) REPLACE (
            CASE WHEN coalesce(n, 0) = 0 AND {inhabited} THEN {nought} WHEN {inhabited} THEN valeur END AS valeur
        ), coalesce(n, 0) AS toutes, coalesce(n, 0) > 0 AND coalesce(n, 0) < {below} AS masque
        FROM ({figures})
    )
    SELECT {", ".join(columns)} FROM chiffres {f"ORDER BY {order}" if order else ""}"""
