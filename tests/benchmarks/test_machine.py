from dataclasses import replace

from benchmarks.machine import this_machine


def test_a_machine_says_how_many_of_its_cores_are_used():
    machine = this_machine()
    assert ", 2 cores, " in replace(machine, cores=2, all_cores=2).setting
    assert ", 1 core, " in replace(machine, cores=1, all_cores=1).setting
    assert ", 1 of 2 cores, " in replace(machine, cores=1, all_cores=2).setting
