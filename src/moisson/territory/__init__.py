"""Regions, departements, communes and the other official code lists."""
