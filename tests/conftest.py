"""What holds for all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# No test is timed: an example that waits for a disk or for a busy machine is as good as another.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
