"""The codes of the four filters that a search counts, with their national frequencies.

Source of the figures: ``filtresPossibles`` of the unfiltered search of 4 May 2026 (599,723 offers), and the fields of
1,515 recorded offers of August 2025.
"""

from typing import Final

#: Contract types and how many offers had each. DDT is in the offers, not in the aggregation nor in the référentiel.
TYPES: Final = {
    "CCE": 3967, "CDD": 100254, "CDI": 314876, "DDI": 273, "DIN": 625, "FRA": 2317, "LIB": 10676, "MIS": 157287,
    "REP": 22, "SAI": 9383, "TTI": 30, "DDT": 13,
}  # fmt: skip
TYPE_CODES: Final = tuple(TYPES)
TYPE_DDT: Final = TYPE_CODES.index("DDT")

#: Natures by contract type: how many offers of that type have it. What is left of a type is E1, a plain work contract;
#: NS goes with the four types that are no employment (their counts sum to NS exactly).
NATURES_OF_TYPE: Final[dict[str, dict[str, int]]] = {
    "CDD": {"E2": 20000, "FS": 7000, "CU": 368, "EE": 298, "FV": 100, "FA": 35, "FT": 20, "FJ": 12, "I1": 160,
            "ER": 3, "FW": 1, "FX": 1},
    "CDI": {"E2": 2235, "FS": 1078, "CC": 413, "CI": 185, "PS": 1},
    "DDI": {"I1": 273},
    "LIB": {"NS": 10676}, "CCE": {"NS": 3967}, "FRA": {"NS": 2317}, "REP": {"NS": 22},
}  # fmt: skip

#: The twenty natures of the référentiel, in its order of codes.
NATURE_CODES: Final = (
    "CC", "CI", "CU", "E1", "E2", "EE", "ER", "FA", "FJ", "FS", "FT", "FU", "FV", "FW", "FX", "FY", "I1", "NS", "PR",
    "PS",
)  # fmt: skip

#: Experience classes 0 to 4 and how many offers were in each.
EXPERIENCE: Final = (30792, 25470, 204874, 27925, 310662)
#: The order in which an answer lists them.
EXPERIENCE_ORDER: Final = (0, 4, 1, 2, 3)
#: Shares of the classes among France Travail's own offers (0 is met on partners' only); partners have the rest.
EXPERIENCE_OWN: Final = (0.0, 0.08, 0.38, 0.08, 0.46)

#: Qualification classes as counted: "0" non-cadre, "9" cadre, "X" none given.
QUALIFICATION_CLASSES: Final = ("0", "9", "X")
QUALIFICATION: Final = (230764, 23740, 345219)
#: Labels of qualification codes 1 to 9; a code's index here is the code.
QUALIFICATION_LABELS: Final = (
    "", "Manœuvre", "Ouvrier spécialisé", "Ouvrier qualifié (P1,P2)", "Ouvrier qualifié (P3,P4,OHQ)",
    "Employé non qualifié", "Employé qualifié", "Technicien", "Agent de maîtrise", "Cadre",
)  # fmt: skip
#: Frequencies of codes 1 to 8 among the non-cadres.
QUALIFICATION_WEIGHTS: Final = (11, 23, 9, 5, 20, 25, 10, 8)

#: Shares of contract types among own offers; partners have what is left of the national figures.
TYPES_OWN: Final = {"MIS": 0.36, "CDI": 0.41, "CDD": 0.195, "SAI": 0.03, "DDI": 0.001, "DIN": 0.002, "TTI": 0.00014}

#: Partners and their weight, as met in recorded offers.
PARTNERS: Final = {
    "METEOJOB": 160, "ALADOM": 64, "DISTRIJOB": 30, "TALENTPLUG": 28, "COOKORICO": 22, "PMEJOB": 20, "TALENTCOM": 20,
    "INDEED": 18, "CRECHEMPLOI": 14, "DIRECTEMPLOI": 12, "BEETWEEN": 12, "JOBVITAE": 9, "HANDICAP_JOB": 8,
    "LABONNEALTERNANCE": 6, "WE_RECRUIT": 5, "STAFFSANTE": 3, "BROADBEAN": 3, "JOBTRANSPORT": 1,
}  # fmt: skip
PARTNER_CODES: Final = tuple(PARTNERS)
