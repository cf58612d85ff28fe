from dataclasses import replace

from tests.messages import names
from tools.machine import this_machine


def test_a_machine_names_the_cores_that_are_used():
    machine = this_machine()
    assert names(replace(machine, cores=2, all_cores=2).setting, "2 cores")
    assert names(replace(machine, cores=1, all_cores=1).setting, "1 core")
    assert names(replace(machine, cores=1, all_cores=2).setting, "1 of 2 cores")
