import pytest

from memoryspan.errors import TaskError
from memoryspan.spec import Spec, call, parse, unknown
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
    error = str(unknown("model", "grus", ["gru", "min_gru", "tcn", "transformer"]))
    assert names(error, "'grus'", "gru")
    assert not names(error, "transformer")
    assert names(str(unknown("task", "chess", ["echo", "copy"])), "'chess'", "copy", "echo", "mine.py:MyTask")
