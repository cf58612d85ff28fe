import msgspec
from messages import names

from memoryspan.named import Named
from memoryspan.spans.trial import Criterion, Trial
from memoryspan.training.budget import Budget

ADDING = Criterion(in_a_row=4, below=0.04, rms_below=0.02)


def test_it_reads_as_a_sentence():
    assert names(str(ADDING), 4, 0.04, 0.02)
    assert names(str(Criterion(in_a_row=1000, allowed=50)), "1,000", 50)


def test_every_field_of_a_trial_makes_it_another_one():
    trial = Trial(
        experiment="a/b",
        task=Named("echo", {"length": 5}),
        model=Named("lstm"),
        seed=0,
        budget=Budget(examples=100),
        batch_size=8,
        shortest=5,
        criterion=ADDING,
        curriculum=True,
        mastered=0.98,
    )
    others = [
        {"experiment": "a/c"},
        {"task": Named("echo", {"length": 6})},
        {"model": Named("gru")},
        {"seed": 1},
        {"budget": Budget(examples=101)},
        {"batch_size": 9},
        {"shortest": 4},
        {"criterion": Criterion()},
        {"curriculum": False},
        {"mastered": 0.9},
    ]
    assert {next(iter(change)) for change in others} == set(Trial.__struct_fields__)
    keys = {msgspec.structs.replace(trial, **change).key for change in others}
    assert len(keys | {trial.key}) == len(others) + 1
    again = msgspec.json.decode(msgspec.json.encode(trial), type=Trial)
    assert again.key == trial.key
