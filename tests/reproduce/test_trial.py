import msgspec

from memoryspan.reproduce.trial import Criterion, ReproduceTrial
from memoryspan.spec import Spec
from memoryspan.training.budget import Budget

ADDING = Criterion(n_consecutive=4, max_abs_error=0.04, max_rms_error=0.02)


def test_it_reads_with_its_numbers():
    assert str(ADDING).startswith("4 ")
    assert "0.04" in str(ADDING)
    assert "0.02" in str(ADDING)
    assert "50" in str(Criterion(n_consecutive=1000, max_mistakes=50))


def test_every_field_of_a_trial_makes_it_another_one():
    trial = ReproduceTrial(
        experiment="a/b",
        task=Spec("echo", {"length": 5}),
        model=Spec("lstm"),
        seed=0,
        budget=Budget(examples=100),
        batch_size=8,
        min_length=5,
        criterion=ADDING,
        curriculum=True,
        grow_above=0.98,
    )
    others = [
        {"experiment": "a/c"},
        {"task": Spec("echo", {"length": 6})},
        {"model": Spec("gru")},
        {"seed": 1},
        {"budget": Budget(examples=101)},
        {"batch_size": 9},
        {"min_length": 4},
        {"criterion": Criterion()},
        {"curriculum": False},
        {"grow_above": 0.9},
    ]
    assert {next(iter(change)) for change in others} == set(ReproduceTrial.__struct_fields__)
    keys = {msgspec.structs.replace(trial, **change).key for change in others}
    assert len(keys | {trial.key}) == len(others) + 1
    again = msgspec.json.decode(msgspec.json.encode(trial), type=ReproduceTrial)
    assert again.key == trial.key
