"""Where things are on a sheet, against the library that others use for it."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from pyproj import Transformer

from moisson.figures.projection import lambert_93, local
from moisson.territory.shapes import polygons_wkb, shapes


def test_lambert_93_is_the_official_projection() -> None:
    """Within a millimetre of PROJ, over all of metropolitan France."""
    points = np.array([[x, y] for x in np.linspace(-5, 9.5, 9) for y in np.linspace(41, 51.2, 9)])
    official = Transformer.from_crs(4326, 2154, always_xy=True).transform(points[:, 0], points[:, 1])
    assert lambert_93(points) == pytest.approx(np.column_stack(official), abs=1e-3)


def test_a_local_plane_keeps_lengths() -> None:
    """A hundredth of a degree north, and one east, at La Réunion."""
    a, north, east = local(np.array([[55.5, -21.1], [55.5, -21.09], [55.51, -21.1]]), -21.1)
    assert np.hypot(*(north - a)) == pytest.approx(1113, abs=2)
    assert np.hypot(*(east - a)) == pytest.approx(1039, abs=2)


@pytest.mark.parametrize(("level", "count"), [("departements", 101), ("regions", 18)])
def test_the_shipped_borders_are_sound_polygons(level: str, count: int) -> None:
    """Closed, valid, each with its area; départements do not overlap by more than their coarse lines."""
    found = {code: shapely.from_wkb(data) for code, data in polygons_wkb(shapes(level)).items()}
    assert len(found) == count
    assert all(shape.is_valid and shape.area > 0 for shape in found.values())
    assert shapely.union_all(list(found.values())).area == pytest.approx(sum(s.area for s in found.values()), rel=1e-3)
    assert {code: len(polygons) for code, polygons in shapes(level).items()} == {
        code: len(shape.geoms) for code, shape in found.items()
    }
