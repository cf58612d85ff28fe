"""Every test is seeded, and draws the same examples each time; a failure today is a failure tomorrow."""

import gc
import os
import subprocess
import sys

from hypothesis import HealthCheck, settings

settings.register_profile(
    "memoryspan",
    derandomize=True,
    deadline=None,  # the first example compiles
    suppress_health_check=[HealthCheck.too_slow],  # the same
)
settings.load_profile("memoryspan")

# Thousands of compiled programs are alive: to look through them as often as by default takes a tenth of the time.
gc.set_threshold(100_000, 50, 100)

COMPILE_QUICKLY = (
    "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=0 --xla_cpu_parallel_codegen_split_count=1"
)
"""What is compiled here runs for a moment: all tests together take half as long. The few that train for long do so
without (`monkeypatch.delenv`)."""


def pytest_configure(config):
    """In the process that starts the workers, which inherit it; XLA ends a process whose flags it does not know."""
    if "XLA_FLAGS" not in os.environ and not hasattr(config, "workerinput"):
        environment = os.environ | {"XLA_FLAGS": COMPILE_QUICKLY}
        command = [sys.executable, "-c", "import jax; jax.devices()"]
        if subprocess.run(command, env=environment, capture_output=True).returncode == 0:
            os.environ["XLA_FLAGS"] = COMPILE_QUICKLY
