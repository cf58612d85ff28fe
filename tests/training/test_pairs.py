"""Models learn on tasks, at the smallest sizes: a third of all pairs, with several of each model and of each task."""

import numpy as np
import pytest

from memoryspan import Budget
from memoryspan.engine import forward
from memoryspan.inference.evaluate import make_accuracy_fn
from memoryspan.models import MODELS, make_model
from memoryspan.spec import Spec
from memoryspan.tasks import TASKS, make_task
from memoryspan.training import TrainConfig, restore
from memoryspan.training.loop import train_loop
from memoryspan.training.stopping import reaches_threshold

SMALL = {
    "adding": {"length": 8},
    "copy": {"length": 9, "n_symbols": 3, "n_copied": 2},
    "delay": {"length": 6, "n_features": 3, "delay": 2},
    "distractors": {"length": 8, "n_distractors": 3},
    "echo": {"length": 6, "n_features": 4, "out_index": 1},
    "embedded_reber": {"length": 10},
    "induction": {"length": 8, "n_features": 4},
    "long_lag": {"length": 6, "n_features": 7},
    "match": {"length": 6, "n_features": 4},
    "parity": {"length": 6},
    "recall": {"length": 12, "n_features": 8, "n_pairs": 2},
    "selective_copy": {"length": 8, "n_features": 5, "n_copied": 2},
    "temporal_order": {"length": 10},
}
"""A task without a place here fails the test."""

SMALLER = {name: {"layers": 1} for name in MODELS if name not in ("lstm", "gru", "simple_rnn", "tcn")}
"""Than the default, for the sake of time."""

PAIRS = [(task, model) for n, task in enumerate(TASKS) for m, model in enumerate(MODELS) if (n + m) % 3 == 0]

UPDATES = 20


@pytest.mark.slow
@pytest.mark.parametrize(("task_name", "model_name"), PAIRS)
def test_it_trains_for_a_few_chunks(task_name, model_name):
    task = make_task(Spec(task_name, SMALL[task_name]))
    model = make_model(Spec(model_name, {"units": 4, **SMALLER.get(model_name, {})}), task, seed=0)
    before = [np.asarray(variable.value) for variable in model.trainable_variables]
    settings = TrainConfig(batch_size=8, budget=Budget(examples=8 * UPDATES))
    *_, (unspent,), (position,) = train_loop(
        [model], task, [settings], reaches_threshold(task, make_accuracy_fn(forward(model), task))
    )
    assert unspent.row.updates < UPDATES <= position.row.updates  # the first chunk that spends the budget is the last
    assert position.row.skipped == 0
    assert np.isfinite(position.row.loss)
    restore(model, position.state)
    after = [np.asarray(variable.value) for variable in model.trainable_variables]
    assert any((old != new).any() for old, new in zip(before, after, strict=True))
