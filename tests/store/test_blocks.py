"""What offers meet by: found as a plain dictionary would, a part after the other."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moisson.store import blocks
from moisson.store.blocks import TRAITS, Keys, Traits, block_keys, find_blocks


def offres(seed: int, count: int) -> Traits:
    """Offers that share much: digests are of 32 bits, as they are in truth, of a few values each."""
    rng = np.random.default_rng(seed)
    traits = np.zeros(count, TRAITS)
    for name, kinds in (("titre", 6), ("ville", 5), ("departement", 3), ("source", 3)):
        digests = rng.integers(1, 1 << 32, kinds, dtype=np.uint32)
        digests[0] = 0
        traits[name] = rng.choice(digests, count)
    traits["precise"] = rng.integers(0, 2, count)
    traits["mots"] = rng.choice(rng.integers(1, 1 << 32, 3, dtype=np.uint32), (count, 4))
    return traits


def plainly(traits: Traits, wanted: Keys | None) -> list[list[int]]:
    """The same blocks, key by key."""
    met: defaultdict[tuple[bool, int], set[int]] = defaultdict(set)
    for vague, keys in blocks._keys(traits):
        for row, key in enumerate(keys.tolist()):
            if key and (wanted is None or key in wanted):
                met[vague, key].add(row)
    return sorted(
        sorted(rows)
        for rows in {
            tuple(sorted(rows))
            for (vague, _), rows in met.items()
            if len(set(traits["source"][list(rows)].tolist())) > 1
            and not (vague and traits["precise"][list(rows)].all())
        }
    )


@given(seed=st.integers(0, 1 << 32), count=st.integers(0, 300), parts=st.sampled_from((7, 90, 10_000)))
def test_blocks_are_those_of_a_plain_dictionary(seed: int, count: int, parts: int) -> None:
    """However many offers are looked at together: all blocks, and those asked for."""
    traits = offres(seed, count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_SORTED", parts)
        patch.setattr(blocks, "_AT_ONCE", 1 + parts // 2)
        for wanted in (None, block_keys(traits[: count // 10])):
            found = sorted(block.tolist() for block in find_blocks(traits, wanted))
            assert found == plainly(traits, wanted)


def test_such_offers_meet() -> None:
    """What is compared above is not empty."""
    traits = offres(5, 300)
    assert len(plainly(traits, None)) > len(plainly(traits, block_keys(traits[:30]))) > 10
