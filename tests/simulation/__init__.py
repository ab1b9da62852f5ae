"""Whole harvests in virtual time: the true planner, loop, client, landing, journal and fold, against a little country.

    python -m tests.simulation --seconds 600     fresh seeds, as long as one likes
    python -m tests.simulation --seed 7 -v       one of them again, with every question and its answer
    python -m tests.simulation --table           the named troubles and the verdicts that came

What is simulated, what is not, and what it has found: docs/simulation.md.
"""
