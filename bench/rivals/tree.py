"""The tree of places and trades: each région, cut into départements, cut into ROME codes.

Stands for the collection of a student project of 2023 (cyrilleledean/sept23_cde_job_market), whose own account is
98.3 % of 739,788 offers in 37 minutes with two applications; many since do the same. Kept of it:

- one thread a région; a search of 3,150 rows or more is cut into the next level, a smaller one is read forwards, page 0
  being the probe; no order is asked for;
- a leaf (département and trade) that is still too large is printed and left out;
- 429 is waited for; any other failure is logged, and what was left of that search is lost.

Kinder than it: one application, but the same pace as everyone; a connection that breaks costs its search, where in the
original it could end the thread of a whole région; ids in a set here, an index of Elasticsearch there.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asking import AS_LENT, PAGE, Answer, Asker, Kept, Refused, Retries, arguments

OWN = Retries(frozenset({429}), broken=False, attempts=1000, wait_s=1)
LARGEST = 3149


class Tree:
    """The three levels, and what is read of them."""

    def __init__(self, asker: Asker, kept: Kept) -> None:
        self._asker = asker
        self._kept = kept
        self._departements = asker.referentiel("departements")
        self._metiers = [metier["code"] for metier in asker.referentiel("metiers")]

    def region(self, region: dict[str, Any]) -> None:
        """All of a région."""
        first = self._first(region=region["code"])
        if first is not None and first.total > LARGEST:
            for departement in self._departements:
                if departement["region"]["code"] == region["code"]:
                    self._departement(departement["code"])
        elif first is not None:
            self._rest(first, region=region["code"])

    def _departement(self, code: str) -> None:
        first = self._first(departement=code)
        if first is not None and first.total > LARGEST:
            for metier in self._metiers:
                self._leaf(departement=code, codeROME=metier)
        elif first is not None:
            self._rest(first, departement=code)

    def _leaf(self, **criteria: str) -> None:
        first = self._first(**criteria)
        if first is not None and first.total > LARGEST:
            self._kept.lose(str(criteria), first.total)
        elif first is not None:
            self._rest(first, **criteria)

    def _first(self, **criteria: str) -> Answer | None:
        try:
            return self._asker.page(0, PAGE - 1, **criteria)
        except Refused as refused:
            self._kept.lose(str(refused))
            return None

    def _rest(self, first: Answer, **criteria: str) -> None:
        self._kept.add(first.offres)
        for row in range(PAGE, first.total, PAGE):
            try:
                self._kept.add(self._asker.page(row, row + PAGE - 1, **criteria).offres)
            except Refused as refused:
                self._kept.lose(str(refused))
                return


def main() -> None:
    """Collect everything that the tree reaches."""
    told = arguments(__doc__)
    asker, kept = Asker(AS_LENT if told.lent else OWN), Kept(told.out)
    kept.announced = asker.page(0, 5).total
    tree, regions = Tree(asker, kept), asker.referentiel("regions")
    with ThreadPoolExecutor(len(regions)) as threads:
        for done in [threads.submit(tree.region, region) for region in regions]:
            done.result()
    kept.report()


if __name__ == "__main__":
    main()
