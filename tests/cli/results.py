"""A run as the harvest tells it, for whoever prints one."""

from __future__ import annotations

import msgspec

from moisson.harvest.progress import Avancement, Resultat
from moisson.model import Bilan, FenetreBilan

AVANCEMENT = Avancement(
    collecte="20261103T051200Z", etape="descente", reprise=False, offres=12_260, annonce=20_000, appels=84,
    plancher=134, relances=1, refus_429=0, rythme_s=2.98, debit_s=3.0, ecoule_s=28.2, restant_s=17.4,
    fenetres=5, prouvees=4, dernier_ennui="",
)  # fmt: skip

PROVED = FenetreBilan(
    numero=1, debut_ms=1_793_000_000_000, fin_ms=1_793_100_000_000, critere="", annonce_premiere=3150,
    annonce_derniere=3150, distinctes=3150, manquantes=0, preuve="compte", verdict="prouvee", raison="", appels=21,
)  # fmt: skip

BILAN = Bilan(
    prouve=True, raisons=(), avertissements=(), fenetres=(PROVED,), nationale_premiere=20_000,
    nationale_derniere=19_998, controles_nationaux=True, manquantes=0,
)  # fmt: skip

RESULTAT = Resultat(
    collecte="20261103T051200Z", bilan=BILAN, offres=19_998, nouvelles=20_000, retirees=2,
    avancement=msgspec.structs.replace(AVANCEMENT, appels=135, offres=20_000, ecoule_s=45.3),
)  # fmt: skip
