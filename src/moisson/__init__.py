"""Moisson: every job offer of France Travail, complete, current and proved."""

__version__ = "0.1.0"
