from tests.messages import names


def test_the_tutorial_ends_at_chance_and_says_what_to_type_next(memoryspan):
    answer = memoryspan("tutorial")
    assert answer.code == 0
    assert names(answer.out, "0 right, 100 wrong")
    assert answer.out.count("1/1 - ") == 10
    assert "Expected: [" in answer.out
    assert answer.out.endswith("memoryspan train\n")


def test_json_is_the_outcome(memoryspan):
    outcome = memoryspan("tutorial", "--length", "4", "--features", "5", "--seed", "1", "--json").json
    assert outcome["expected"] == outcome["sequence"][2]
    assert set(outcome) >= {"accuracy", "predicted"}


def test_a_model_that_does_not_fit_into_memory_is_refused(memoryspan):
    answer = memoryspan("tutorial", "--units", "1000000")
    assert answer.code == 2
    assert names(answer.err, "1,000,000", "GiB")


def test_bad_input_is_refused(memoryspan):
    answer = memoryspan("tutorial", "--examples", "0")
    assert answer.code == 2
    assert names(answer.err, "examples", 0, 1)
