"""Where a point of the earth is on the sheet: Lambert-93 for metropolitan France, a local plane overseas. Pure."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["lambert_93", "local"]

_E = 0.0818191910428158
"""First eccentricity of the GRS 80 ellipsoid."""


def lambert_93(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Longitude and latitude (degrees) to the metres of Lambert-93, the official projection.

    Conic, conformal, true at 44° and 49°; origin 3° east, 46.5° north, at 700,000 and 6,600,000 m. Source: IGN, NTG 71.
    """
    south, north, origin = (math.radians(degrees) for degrees in (44.0, 49.0, 46.5))

    def isometric(latitude: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        sine = _E * np.sin(latitude)
        found: npt.NDArray[np.float64] = np.log(
            np.tan(math.pi / 4 + latitude / 2) * ((1 - sine) / (1 + sine)) ** (_E / 2)
        )
        return found

    def radius(latitude: float) -> float:
        return 6_378_137.0 * math.cos(latitude) / math.sqrt(1 - (_E * math.sin(latitude)) ** 2)

    low, high, middle = (float(isometric(np.array(angle))) for angle in (south, north, origin))
    cone = math.log(radius(north) / radius(south)) / (low - high)
    size = radius(south) / cone * math.exp(cone * low)
    distance = size * np.exp(-cone * isometric(np.radians(points[:, 1])))
    angle = cone * np.radians(points[:, 0] - 3.0)
    top = 6_600_000.0 + size * math.exp(-cone * middle)
    return np.column_stack([700_000.0 + distance * np.sin(angle), top - distance * np.cos(angle)])


def local(points: npt.NDArray[np.float64], latitude: float) -> npt.NDArray[np.float64]:
    """Longitude and latitude (degrees) to metres on a plane that touches the earth at one latitude (degrees)."""
    metres = 111_320.0
    return np.column_stack([points[:, 0] * metres * math.cos(math.radians(latitude)), points[:, 1] * metres])
