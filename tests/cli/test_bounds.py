"""Numbers that are out of bounds are refused at once, in the words of the command line."""

import pytest

from tests.messages import names

NINES = "9" * 400


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("train --length 1", ["--out-index", "--length 1", "--out-index 0"]),
        ("train --features 1", ["--features", "1"]),
        ("train --units 0", ["--units", "--units 25"]),
        (f"train --units {NINES}", ["--units"]),
        (f"train --length {NINES}", ["--length"]),
        ("train --batch-size 0", ["--batch-size"]),
        ("train --seed -1", ["--seed"]),
        ("train --threshold nan", ["--threshold", "nan"]),
        ("train --learning-rate inf", ["--learning-rate", "inf"]),
        (f"train --budget {NINES}", ["budget"]),
        (f"train --parameters {NINES}", ["--parameters"]),
        ("train --task copy,n_copied=0", ["n_copied=10"]),
        ("train --model lstm,units=0", ["--units"]),
        ("train --model lstm,layers=1000", ["layers", "1000", "64"]),
        ("train --model tcn,layers=60", ["layers", "60", "31"]),
        ("span --seeds 1000000000", ["--seeds", "1000000000", "10000"]),
        ("span --workers 0", ["--workers"]),
        ("reproduce lstm-1997 --seeds 1000000000", ["--seeds", "1000000000", "10000"]),
        ("tutorial --units 0", ["--units"]),
    ],
)
def test_a_number_out_of_its_bounds_is_refused_by_its_option(memoryspan, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    answer = memoryspan(*arguments.split())
    assert answer.code == 2
    assert names(answer.err, *words)
    assert len(answer.err) < 600
    assert list(tmp_path.iterdir()) == []
