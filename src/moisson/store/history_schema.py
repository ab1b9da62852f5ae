"""The columns that tell an offer's life: which version a content is, when an offer was there, what each day changed.

Instants here are ours, not the API's: they name runs. All that a run found is dated by one instant, when the run began
(column `instant` of `collectes`), since a run cannot say at which of its calls the world changed.
"""

from __future__ import annotations

import pyarrow as pa

from moisson.store.colonne import MS, colonne

__all__ = ["AGREGATS_JOUR", "HISTOIRE", "PRESENCE"]

HISTOIRE = (
    colonne(
        "version",
        pa.int32(),
        "number of this content among all that the offer has had: 1, 2 ...; the next one goes on counting when an "
        "offer comes back",
    ),
    colonne(
        "contenu_depuis",
        MS,
        "instant of the run that first saw this content, UTC, our clock; it ends where the next version begins, or "
        "with the stay (presence.retiree)",
        unite="ms",
    ),
)
"""Added to the columns of an offer in `offres` and `offres_versions`."""

PRESENCE = pa.schema(
    [
        colonne("id", pa.string(), "identifier of the offer"),
        colonne("sejour", pa.int32(), "number of this stay online: 2 when the offer came back once"),
        colonne("creation", MS, "creation as last seen, on the API's clock; republishing moves it", unite="ms"),
        colonne("premiere_vue", MS, "instant of the run that first saw it in this stay, UTC, our clock", unite="ms"),
        colonne("premiere_collecte", pa.string(), "name of that run"),
        colonne(
            "derniere_vue",
            MS,
            "instant of the run that last saw it, UTC, our clock; null in the files, and filled in by the view: "
            "the last run of the store saw it",
            unite="ms",
        ),
        colonne("derniere_collecte", pa.string(), "name of that run; null likewise"),
        colonne("retiree", MS, "instant of the run that found it gone, UTC, our clock; null: online", unite="ms"),
        colonne("retiree_collecte", pa.string(), "name of that run"),
    ]
)
"""Stays online, one row each: an offer that comes back begins another one."""

AGREGATS_JOUR = pa.schema(
    [
        colonne("jour", pa.date32(), "day of the run, UTC"),
        colonne("collecte", pa.string(), "name of the run; null: offers removed by `moisson forget`"),
        colonne("commune", pa.string(), "INSEE code of the commune; null where the offers name none"),
        colonne("code_rome", pa.string(), "ROME code of the trade"),
        colonne("type_contrat", pa.string(), "code of the contract"),
        colonne("en_ligne", pa.int64(), "offers online after the run", unite="offers"),
        colonne("postes", pa.int64(), "positions they are to fill; 1 where an offer does not say", unite="positions"),
        colonne("nouvelles", pa.int64(), "offers that came, or came back", unite="offers"),
        colonne("retirees", pa.int64(), "offers that went", unite="offers"),
        colonne("variation", pa.int64(), "change of en_ligne: edits that moved offers included", unite="offers"),
        colonne("variation_postes", pa.int64(), "change of postes", unite="positions"),
    ]
)
"""Counts by day, commune, trade and contract, only where that day changed them: sums of `variation` give any stock."""
