"""How history is asked for: what the engine shows besides the tables as they lie on the disk."""

from __future__ import annotations

from collections.abc import Iterator

from moisson.store.generation import Manifest
from moisson.store.indicators.views import PAR_SEMAINE

__all__ = ["HISTORY", "MEANINGS", "columns", "no_history", "statements"]


HISTORY = ("offres_versions", "presence", "agregats_jour", "vie_offre", "offres_au", PAR_SEMAINE)
"""What a store does not have before a Moisson that keeps history has filled it."""

MEANINGS = {
    "du": "when this content of the offer was first seen",
    "au": "when another content took its place, or the offer was withdrawn; null: it still stands",
}
"""What the columns mean that only the views have."""

_VIE = """
CREATE VIEW vie_offre AS
SELECT v.id, p.sejour, v.version, v.contenu_depuis AS du,
    coalesce(lead(v.contenu_depuis) OVER (PARTITION BY v.id, p.sejour ORDER BY v.version), p.retiree) AS au,
    p.premiere_vue, p.derniere_vue, p.retiree, v.* EXCLUDE (id, version, contenu_depuis)
FROM offres_versions v JOIN presence p
    ON p.id = v.id AND p.premiere_vue <= v.contenu_depuis
    AND (p.retiree IS NULL OR v.contenu_depuis < p.retiree)
"""
"""A row a content, in the stay that it belongs to: from `du` until `au` (null: still)."""

_AS_OF = """
CREATE MACRO offres_au(nom) AS TABLE
WITH quand AS (
    SELECT coalesce(max(instant), error('no run of this store is called ' || nom)) AS instant
    FROM collectes WHERE collecte = nom
),
online AS (
    SELECT p.id, max(v.version) AS version
    FROM quand, presence p JOIN offres_versions v ON v.id = p.id
    WHERE p.premiere_vue <= quand.instant AND (p.retiree IS NULL OR p.retiree > quand.instant)
        AND v.contenu_depuis BETWEEN p.premiere_vue AND quand.instant
    GROUP BY p.id
)
SELECT v.* FROM offres_versions v SEMI JOIN online USING (id, version)
"""
"""The offers that the store showed after that run, each with the content that it had then."""


def no_history(manifest: Manifest) -> bool:
    """Whether this state was made before history was kept."""
    return manifest.format < 2 and manifest.lignes("offres") > 0


def columns(table: str, manifest: Manifest) -> str:
    """What to select from a table's files: of the offers that the last run saw, `presence` leaves out who saw them."""
    runs = manifest.ordinals
    if table != "presence" or not runs.collectes:
        return "*"
    return (
        f"* REPLACE (coalesce(derniere_vue, epoch_ms({runs.instants[-1]}::BIGINT)) AS derniere_vue, "
        f"coalesce(derniere_collecte, '{runs.collectes[-1]}') AS derniere_collecte)"
    )


def statements() -> Iterator[str]:
    """The views and macros, once the tables are there."""
    yield _VIE
    yield _AS_OF
