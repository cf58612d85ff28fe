def test_the_tutorial_ends_at_chance_and_says_what_to_type_next(memoryspan):
    answer = memoryspan("tutorial", "--seed", "1")
    assert answer.code == 0
    assert answer.out.count("1/1 - ") == 10
    accuracy = float(answer.out.split("Accuracy: ")[1].split()[0])
    assert accuracy <= 6
    assert "Expected: [" in answer.out
    assert answer.out.endswith("Next: memoryspan train\n")


def test_json_is_the_outcome(memoryspan):
    outcome = memoryspan("tutorial", "--length", "4", "--features", "5", "--seed", "1", "--json").json
    assert outcome["expected"] == outcome["sequence"][2]
    assert 0 <= outcome["accuracy"] <= 1


def test_a_model_that_does_not_fit_into_memory_is_refused(memoryspan):
    answer = memoryspan("tutorial", "--units", "1000000")
    assert answer.code == 2
    assert "would need" in answer.err


def test_bad_input_is_refused(memoryspan):
    answer = memoryspan("tutorial", "--examples", "0")
    assert answer.code == 2
    assert "examples must be a whole number of at least 1" in answer.err
