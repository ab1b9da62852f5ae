"""The loop that runs a plan, and frozen snapshots of its progress."""
