"""What is read out of an offer's labels: columns beside the raw ones, never instead. Pure; never raises.

A label that cannot be read gives None, and what is read is always within the bounds that each function names: a wrong
figure is worse than none, and the label itself is still in its own column.
"""
