from dataclasses import replace

from benchmarks.machine import this_machine
from tests.messages import names


def test_a_machine_says_how_many_of_its_cores_are_used():
    machine = this_machine()
    assert names(replace(machine, cores=2, all_cores=2).setting, "2 cores")
    assert names(replace(machine, cores=1, all_cores=1).setting, "1 core")
    assert names(replace(machine, cores=1, all_cores=2).setting, "1 of 2 cores")
