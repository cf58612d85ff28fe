import pytest

from memoryspan.errors import TaskError
from memoryspan.models import MODELS, make_model, with_defaults
from memoryspan.reproduce.suite import GROUPS, PAPERS, QUICK, SUITE, meant
from memoryspan.reproduce.trial import ReproduceSweepConfig
from memoryspan.tasks import make_task
from tests.messages import naming

PUBLISHED_1997 = {
    "embedded-reber": 8440,
    "long-lag-2a": 5040,
    "long-lag-2b": 5680,
    "distractors-50-50": 30_000,
    "distractors-100-100": 31_000,
    "distractors-200-200": 33_000,
    "distractors-500-500": 38_000,
    "distractors-1000-1000": 49_000,
    "distractors-1000-500": 49_000,
    "distractors-1000-200": 75_000,
    "distractors-1000-100": 135_000,
    "distractors-1000-50": 203_000,
    "adding-100": 74_000,
    "adding-500": 209_000,
    "adding-1000": 853_000,
    "temporal-order-6a": 31_390,
    "temporal-order-6b": 571_100,
}


def test_no_name_is_there_twice():
    assert len(SUITE) == sum(len(paper.EXPERIMENTS) for paper in PAPERS)


@pytest.mark.parametrize("name", SUITE)
def test_its_task_and_model_exist_and_a_source_is_given(name):
    each = SUITE[name]
    task = make_task(each.task)
    assert task.min_length <= each.min_length <= task.length == each.task.settings["length"]
    assert each.model.name in MODELS
    with_defaults(each.model)
    assert each.published.source
    assert each.published.model
    assert str(each.published)
    assert each.sequences >= each.batch_size
    assert 0 < each.grow_above <= 1
    for sentence in (each.differs, each.tried):
        assert not sentence or sentence.endswith(".")


def test_figures_of_the_lstm_paper_are_those_of_its_tables():
    of_paper = {name.removeprefix("lstm-1997/"): each for name, each in SUITE.items() if name.startswith("lstm-1997/")}
    assert {name: each.published.sequences for name, each in of_paper.items()} == PUBLISHED_1997


@pytest.mark.parametrize(
    ("name", "published"),
    [("adding-200-tcn", 58_051), ("adding-600-tcn", 70_369), ("adding-600-lstm", 69_811), ("copy-1000-tcn", 12_530)],
)
def test_models_of_2018_have_about_the_published_sizes(name, published):
    each = SUITE[f"copy-adding-2018/{name}"]
    model = make_model(each.model, make_task(each.task), 0)
    assert 0.9 < model.count_params() / published < 1.15


def test_each_is_run_with_the_curriculum_and_without_with_every_seed():
    config = ReproduceSweepConfig(experiments=(SUITE["echo/book"].recipe,), seeds=(0, 1, 2))
    assert [(trial.curriculum, trial.seed) for trial in config.trials] == [
        (curriculum, seed) for curriculum in (True, False) for seed in range(3)
    ]
    assert len({trial.key for trial in config.trials}) == 6


def test_a_paper_means_all_of_its_experiments_and_nothing_is_meant_twice():
    names = [each.name for each in meant(["echo", "echo/book", "lstm-1997/adding-100"])]
    assert names == [*(name for name in SUITE if name.startswith("echo/")), "lstm-1997/adding-100"]
    assert len(meant(GROUPS)) == len(SUITE)


def test_quick_means_the_quick_ones_among_them():
    assert {each.name for each in meant(["lstm-1997"], quick=True)} == {
        name for name in QUICK if name.startswith("lstm-1997/")
    }
    with pytest.raises(TaskError, match=naming("recall", "--quick", *QUICK)):
        meant(["recall"], quick=True)


@pytest.mark.parametrize(
    ("given", "near"), [("lstm-1997/adding-10", "lstm-1997/adding-100"), ("lstm1997", "lstm-1997"), ("x", "echo")]
)
def test_a_name_that_is_none_is_told_with_the_nearest(given, near):
    with pytest.raises(TaskError, match=naming(repr(given), near, "--list")):
        meant([given])
