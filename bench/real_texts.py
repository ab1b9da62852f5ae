"""What an offer takes on the disk when texts do not repeat each other as the double's fragments do.

    python bench/real_texts.py [--samples FILE]      # FILE: recorded offers, one JSON object a line

The double builds its texts from some hundred sentences, so a lake of its offers is smaller than the true one will be.
Here each word of a description is drawn on its own, and no sentence ever comes twice: true texts, with their turns of
phrase and their standing paragraphs, compress better. Recordings, if there are any at hand, say how near this comes.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate, islice
from pathlib import Path

from double import apart
from figures import Figure, table
from harvest import bytes_of, folder
from plan import EVERYTHING, PAGE, Plan

__all__ = ["real_texts"]

NOW_S = 1_790_000_000.0
LAKE_BYTES = 1200
DESCRIPTION = re.compile(rb'"description":"(?:[^"\\]|\\.)*"')
WORDS = range(150, 421)
"""Words of a description: 1,800 characters on average, as recorded ones have."""

Offre = tuple[str, int, bytes]


def real_texts(plan: Plan) -> Iterator[Figure]:
    """Bytes of an offer in the lake and while it waits for the fold, when no sentence comes twice."""
    offres = plan.country // 5
    for name, kind in (("the double's texts", "double"), ("no sentence twice", "words")):
        with folder() as parent:
            yield from _figures(name, *apart(_measure, parent / "store", kind, offres))


def recorded(samples: Path) -> Iterator[Figure]:
    """The same of recorded offers; few as they are, they compress worse than many would."""
    with folder() as parent:
        yield from _figures(f"recorded offers in {samples.name}", *apart(_measure, parent / "store", samples, 10**9))


def _figures(name: str, offres: int, json_bytes: int, landed_bytes: int, lake_bytes: int) -> Iterator[Figure]:
    note = f"{offres:,} offers of {json_bytes / offres / 1000:.1f} kB"
    yield Figure(f"disk, {name}: lake, bytes an offer", lake_bytes / offres, "B", LAKE_BYTES, note=note)
    note = f"gzip makes pages {json_bytes / landed_bytes:.1f} times smaller"
    yield Figure(f"disk, {name}: a landed page, bytes an offer", landed_bytes / offres, "B", note=note)


def _measure(store: Path, kind: str | Path, count: int) -> tuple[int, int, int, int]:
    """Land and fold; offers, bytes of their JSON, of their landed pages, of the lake."""
    from moisson.model import Bilan, FenetreBilan, Ligne, PageLue, Plage, Question
    from moisson.store.bookkeeping import Compteurs
    from moisson.store.fold import FoldOptions
    from moisson.store.store import open_store

    offres: Iterable[Offre]
    offres = _recorded(kind) if isinstance(kind, Path) else islice(_made(count, words=kind == "words"), count)
    opened = open_store(store, create=True, source="https://example.org", simulated=True)
    total = json_bytes = landed_bytes = 0
    with opened.lock("bench"):
        run, _ = opened.resume_or_begin(NOW_S, planner_version="bench")
        for no, page in enumerate(_pages(offres), 1):
            body = b'{"resultats":[' + b",".join(brut for _, _, brut in page) + b"]}"
            packed = gzip.compress(body, 6, mtime=0)
            fact = PageLue(
                question=Question(no // 21, "page", Plage(0, PAGE - 1)),
                total=count,
                lignes=tuple(Ligne(id_, ms) for id_, ms, _ in page),
                premier=0,
                dernier=len(page) - 1,
                fichier=run.land(no, packed, "gzip"),
                sha256=hashlib.sha256(body).hexdigest(),
                octets=len(body),
                recu_s=NOW_S,
            )
            run.append(fact)
            total, json_bytes, landed_bytes = total + len(page), json_bytes + len(body), landed_bytes + len(packed)
        fenetre = FenetreBilan(1, None, None, "", total, total, total, 0, "compte", "prouvee", "", 1)
        bilan = Bilan(True, (), (), (fenetre,), total, total, True, 0)
        opened.fold(run, bilan, FoldOptions(), Compteurs(), NOW_S + 60)
    return total, json_bytes, landed_bytes, bytes_of((store / "current").resolve())


def _pages(offres: Iterable[Offre]) -> Iterator[list[Offre]]:
    rows = iter(offres)
    while page := list(islice(rows, PAGE)):
        yield page


def _recorded(samples: Path) -> list[Offre]:
    found = {}
    for line in samples.read_bytes().splitlines():
        content = json.loads(line)
        at = dt.datetime.fromisoformat(content["dateCreation"])
        found[content["id"]] = (content["id"], int(at.timestamp() * 1000), line)
    return sorted(found.values(), key=lambda offre: -offre[1])


def _made(count: int, *, words: bool) -> Iterator[Offre]:
    """The double's offers, newest first; with texts of words drawn one by one, if asked."""
    from moisson_twin import lists
    from moisson_twin.settings import WorldSettings
    from moisson_twin.world import World

    world = World(WorldSettings(offres=count))
    truth = world.truth()
    dice = random.Random(1)
    phrases = re.findall(r"\w+", lists.read_text("phrases.txt").lower())
    rarer = re.findall(r"\w+", " ".join(one.libelle for one in lists.appellations()).lower())
    vocabulary = [word for word, _ in Counter(phrases).most_common()]
    vocabulary += [word for word, _ in Counter(rarer).most_common() if word not in set(vocabulary)]
    weights = list(accumulate(1 / (rank + 2) for rank in range(len(vocabulary))))
    for id_, ms in zip(reversed(truth.ids), reversed(truth.creation_ms.tolist()), strict=True):
        row = world.find(id_)
        assert row is not None
        (brut,) = world.render([row])
        if words:
            text = " ".join(dice.choices(vocabulary, cum_weights=weights, k=dice.choice(WORDS)))
            # Words hold no backslash, so the text may stand as the replacement.
            brut = DESCRIPTION.sub(b'"description":"%b"' % text.encode(), brut, count=1)
        yield id_, ms, brut


def main() -> None:
    """Measure, recordings included."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=Path, help="recorded offers, one JSON object a line")
    samples = parser.parse_args().samples
    print(table([*real_texts(EVERYTHING), *(recorded(samples) if samples else ())]))


if __name__ == "__main__":
    main()
