from memoryspan import Budget, Echo, UniformLengths, lstm
from memoryspan.training import TrainConfig
from memoryspan.training.loop import train_loop


def test_far_out_fresh_examples_are_looked_at_after_each_tenth_update_and_the_last():
    task, looked = Echo(4096, 2, 1), []  # of that length a chunk has four updates
    settings = TrainConfig(batch_size=2, threshold=0.1, schedule=UniformLengths(4096), budget=Budget(examples=48))

    def proof(position, settings):
        looked.append(position.row.updates)

    ends = [position.row.updates for (position,) in train_loop([lstm(task, units=2, seed=0)], task, [settings], proof)]
    assert ends == [4, 8, 12, 16, 20, 24]
    assert looked == [12, 20, 24]
