"""The protocol: what the API documents, how it is asked, what its answers mean."""

from moisson.api.answer import Sonde
from moisson.api.auth import Application, Secret
from moisson.api.client import Client
from moisson.api.events import ApiEvent, ClientStats, Effort, Observer, Reponse, effort_of

__all__ = [
    "ApiEvent",
    "Application",
    "Client",
    "ClientStats",
    "Effort",
    "Observer",
    "Reponse",
    "Secret",
    "Sonde",
    "effort_of",
]
