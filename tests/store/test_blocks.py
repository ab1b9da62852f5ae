"""What offers meet by is found a part after the other."""

from __future__ import annotations

import numpy as np
import pytest

from moisson.store import blocks
from moisson.store.blocks import TRAITS, block_keys, find_blocks


def test_parts_find_the_same_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many offers are looked at together: all blocks, and those asked for."""
    rng = np.random.default_rng(5)
    traits = np.zeros(400, TRAITS)
    for name, kinds in (("titre", 6), ("ville", 5), ("departement", 3), ("source", 3), ("precise", 2)):
        traits[name] = rng.integers(0, kinds, len(traits))
    traits["mots"] = rng.integers(1, 4, (len(traits), 4))
    wanted = block_keys(traits[:40])
    whole = [[block.tolist() for block in find_blocks(traits, asked)] for asked in (None, wanted)]
    assert len(whole[0]) > len(whole[1]) > 10
    monkeypatch.setattr(blocks, "_SORTED", 90)
    monkeypatch.setattr(blocks, "_AT_ONCE", 37)
    assert whole == [[block.tolist() for block in find_blocks(traits, asked)] for asked in (None, wanted)]
