"""Figures for a report or another tool: an indicator as a file, a map, a series."""
