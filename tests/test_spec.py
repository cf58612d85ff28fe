import pytest

from memoryspan.errors import TaskError
from memoryspan.models import MODELS, model_named
from memoryspan.models import registry as models_registry
from memoryspan.spec import Spec, call, parse, unknown
from memoryspan.tasks import TASKS, task_named
from memoryspan.tasks import registry as tasks_registry
from tests.messages import names, naming


@pytest.mark.parametrize(
    ("text", "name", "settings"),
    [
        ("lstm", "lstm", {}),
        ("lstm,units=50", "lstm", {"units": 50}),
        ("gru, learning-rate=0.01, bidirectional=true", "gru", {"learning_rate": 0.01, "bidirectional": True}),
        ("mine.py:build,name=wide", "mine.py:build", {"name": "wide"}),
        ("pkg.module:Task,n_features=1e3", "pkg.module:Task", {"n_features": 1000.0}),
    ],
)
def test_a_name_and_its_settings_are_read(text, name, settings):
    assert parse(text) == Spec(name, settings)


@pytest.mark.parametrize("text", ["lstm,units", "lstm,=5", "lstm,units=", "lstm,,"])
def test_what_does_not_read_like_that_is_refused(text):
    with pytest.raises(TaskError, match=naming("lstm,units=50", repr(text))):
        parse(text)


def test_a_name_that_is_no_text_is_refused():
    with pytest.raises(TaskError, match=naming("UTF-8", repr("caf\udce9.py:build"))):
        parse("caf\udce9.py:build")


def test_it_prints_as_it_reads():
    text = "gru,units=50,bidirectional=True"
    assert str(parse(text)) == text
    assert parse(str(parse(text))) == parse(text)


def test_what_is_given_as_well_wins_and_none_is_not_given():
    assert Spec("echo", {"length": 5}).with_settings(length=9, n_features=None) == Spec("echo", {"length": 9})


def test_a_setting_that_there_is_not_is_named_beside_those_that_there_are():
    def build(task, units=25, seed=None):
        return units, seed

    assert call(build, "lstm", {"task": 0, "units": 3}) == (3, None)
    with pytest.raises(TaskError, match=naming("lstm", "width", "task", "units", "seed")):
        call(build, "lstm", {"width": 3})


def test_a_setting_that_is_needed_is_named():
    def build(task, units, *rest, seed=None, **others):
        return units

    assert call(build, "mine.py:build", {"task": 0, "units": 3, "width": 2}) == 3
    with pytest.raises(TaskError, match=naming("mine.py:build", "task", "units", "mine.py:build,task=…,units=…")):
        call(build, "mine.py:build", {})


def test_an_unknown_name_is_answered_with_the_nearest_ones():
    error = str(unknown("model", "grus", ["gru", "min_gru", "tcn", "transformer"], {}))
    assert names(error, "'grus'", "gru")
    assert not names(error, "transformer")
    assert names(str(unknown("task", "Selective-Copy", ["copy", "selective_copy"], {})), "selective_copy")


def test_an_unknown_name_that_is_like_none_is_answered_with_a_short_line():
    many = [f"task_{number}" for number in range(13)]
    error = str(unknown("task", "chess", many, {}))
    assert names(error, "'chess'", 13, "memoryspan info", "mine.py:MyTask")
    assert sum(names(error, name) for name in many) == 1


@pytest.mark.parametrize(
    ("named", "other", "meant"),
    [
        (task_named, "mqar", "recall"),
        (task_named, "Induction-Heads", "induction"),
        (model_named, "S4", "lru"),
        (model_named, "rnn", "simple_rnn"),
    ],
)
def test_a_name_that_the_field_has_for_it_names_what_it_is_called_here(named, other, meant):
    with pytest.raises(TaskError, match=naming(f"'{other}'", meant)):
        named(other)


def test_every_synonym_stands_for_something_that_there_is_and_hides_nothing():
    for registry, there in ((tasks_registry, TASKS), (models_registry, MODELS)):
        assert set(registry._SYNONYMS.values()) <= set(there)
        assert not set(registry._SYNONYMS) & set(there)
