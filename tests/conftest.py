"""Every test is seeded, and draws the same examples each time; a failure today is a failure tomorrow."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "memoryspan",
    derandomize=True,
    deadline=None,  # the first example compiles
    suppress_health_check=[HealthCheck.too_slow],  # the same
)
settings.load_profile("memoryspan")
