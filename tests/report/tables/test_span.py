from memoryspan.accuracy import Accuracy, accuracy_record
from memoryspan.report.tables.span import held_sentence, title
from memoryspan.spans.trial import Span
from memoryspan.spec import Spec
from tests.messages import names
from tests.sweeps.tiny_sweep import config


def curve(*points):
    return [accuracy_record(Accuracy(n_correct, 1000, length, 0.1)) for length, n_correct in points]


def test_a_model_that_holds_nothing_is_given_its_accuracy_at_the_shortest_length():
    sentence = held_sentence(Span(None, None, False), curve((3, 927), (6, 500)))
    assert names(sentence, "none", 3, "92.7 %", "95.0 %")


def test_a_span_that_ends_with_the_search_is_said_to_and_where_that_was():
    assert names(held_sentence(Span(256, 253, True), curve((3, 1000), (256, 990))), 256, 253, "256 steps")
    assert not names(held_sentence(Span(20, 17, False), curve((3, 1000), (256, 10))), 256)


def test_a_title_has_names_and_no_settings_and_no_folders():
    models = (Spec("lstm", {"units": 3}), Spec("lstm", {"units": 4}), Spec("/home/me/mine.py:build", {"units": 3}))
    assert title(config(1, models=models).trials) == "How far back? lstm, mine.py:build on echo"
