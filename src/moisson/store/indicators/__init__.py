"""Indicators: one definition each, asked by territory, trade, contract and period."""
