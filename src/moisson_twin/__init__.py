"""A double of France Travail's API "Offres d'emploi v2", to run on one's own machine.

It behaves as the service is documented or was observed to behave, over invented offers, and misbehaves on demand.
It shares no code with any client, so that a client's mistake cannot be the double's too.

Three ways in: ``python -m moisson_twin`` starts a server on the loopback interface; :func:`create_app` gives an ASGI
application for tests that run in process; :class:`World` alone gives offers, counts and truth to a simulation.
"""

from moisson_twin.app import create_app
from moisson_twin.settings import Crowd, Drift, Settings, WorldSettings
from moisson_twin.world import Truth, World

__all__ = ["Crowd", "Drift", "Settings", "Truth", "World", "WorldSettings", "create_app"]
