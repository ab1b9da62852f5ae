"""The table `agregats_jour` where memory is short. Its counts are held against the world's in test_history.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moisson.store import aggregates
from moisson.store.aggregates import write_aggregates
from moisson.store.generation import GenerationWriter
from moisson.store.layout import Layout
from moisson.store.past import MOUVEMENT

OFFRES, COMMUNES, METIERS = 100_000, 20_000, 500


def test_many_counts_go_aside_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first run of three million offers, most of which are the only one of their commune, trade and contract: joining
    the counts with the stock wanted more memory than there was, and the run could not be folded. The same thirty times
    smaller.
    """
    monkeypatch.setattr(aggregates, "_MEMORY", "32MB")
    random = np.random.default_rng(1)
    offres = pa.table(
        {
            "id": pa.array(f"{n:07d}" for n in range(OFFRES)),
            "commune": pa.array(f"{n:05d}" for n in random.integers(0, COMMUNES, OFFRES)),
            "rome_code": pa.array(f"M{n:04d}" for n in random.integers(0, METIERS, OFFRES)),
            "type_contrat": pa.array(np.where(random.random(OFFRES) < 0.5, "CDI", "CDD")),
            "nombre_postes": pa.array(random.integers(1, 4, OFFRES)),
            "contenu_depuis": pa.array(np.zeros(OFFRES, np.int64), pa.timestamp("ms")),
        }
    )
    layout = Layout(tmp_path)
    layout.generations.mkdir(parents=True)
    writer = GenerationWriter(layout, None)
    writer.begin_table("offres")
    writer.write("offres", 0, offres)
    write_aggregates(writer, MOUVEMENT.empty_table(), collecte="20260101T000000Z", instant_ms=0, rows_max=10_000)

    files = [writer.folder / aggregates.TABLE / file.nom for file in writer.files(aggregates.TABLE)]
    counts = pa.concat_tables(pq.read_table(file) for file in files)
    assert len(counts) > 0.9 * OFFRES
    for name in ("en_ligne", "variation", "nouvelles"):
        assert pa.compute.sum(counts.column(name)).as_py() == OFFRES
    for name in ("postes", "variation_postes"):
        assert pa.compute.sum(counts.column(name)).as_py() == pa.compute.sum(offres.column("nombre_postes")).as_py()
    assert not (writer.folder / ".spill").exists()
