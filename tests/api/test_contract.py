"""The contract's numbers and names are those of the documentation."""

from __future__ import annotations

from moisson.api import contract


def test_limits_agree_with_each_other() -> None:
    """21 full pages of 150 rows: 0–149 … 3000–3149."""
    assert contract.PREMIER_MAX % contract.PAGE_MAX == 0
    assert contract.DERNIER_MAX == contract.PREMIER_MAX + contract.PAGE_MAX - 1
    assert contract.ETENDUE_MAX == 21 * contract.PAGE_MAX == 3150


def test_parameters_are_the_documented_ones() -> None:
    """The official file has 42 of them, and no name has blanks around it."""
    assert len(contract.PARAMETRES) == 42
    assert all(nom == nom.strip() for nom in contract.PARAMETRES)
    assert contract.PARAMETRES > contract.PARAMETRES_RESERVES
    assert all(paire < contract.PARAMETRES for paire in contract.PARAMETRES_EN_OU)


def test_there_are_sixteen_code_lists() -> None:
    """Sorted, each once."""
    assert len(contract.REFERENTIELS) == 16
    assert list(contract.REFERENTIELS) == sorted(set(contract.REFERENTIELS))
