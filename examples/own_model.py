"""A model of one's own: any function from a task to a compiled Keras model.

    memoryspan train --model examples/own_model.py:leaky,units=40 --length 12 --features 10
    memoryspan span --model simple_rnn --model examples/own_model.py:leaky,units=40

A layer of your own is registered with Keras, so that a saved run opens again; the file is then given once more:

    memoryspan evaluate RUN --model examples/own_model.py:leaky
"""

from memoryspan.backend import keras


@keras.saving.register_keras_serializable(package="own_model")
class LeakyCell(keras.layers.Layer):
    """h' = (1 - a) h + a tanh(x W + h R), with a learned leak a for each unit."""

    def __init__(self, units, **kwargs):
        """As wide as `units`."""
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, input_shape):
        """W, R and the leaks."""
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, self.units), initializer="orthogonal", name="recurrent_kernel"
        )
        self.leak = self.add_weight(shape=(self.units,), initializer="zeros", name="leak")

    def call(self, inputs, states):
        """One step."""
        (h,) = states
        a = keras.ops.sigmoid(self.leak)
        new = keras.ops.tanh(keras.ops.matmul(inputs, self.kernel) + keras.ops.matmul(h, self.recurrent_kernel))
        h = (1 - a) * h + a * new
        return h, [h]

    def get_config(self):
        """As Keras saves it."""
        return {**super().get_config(), "units": self.units}


def leaky(task, units=25, learning_rate=0.005):
    """A layer of leaky units and a dense layer that fits the task's answer."""
    recurrent = keras.layers.RNN(LeakyCell(units), return_sequences=task.return_sequences)
    answer = keras.layers.Dense(task.n_outputs, task.activation)
    model = keras.Sequential([keras.Input((None, task.n_features)), recurrent, answer], name="leaky")
    model.compile(keras.optimizers.Adam(learning_rate, global_clipnorm=1.0), task.loss)
    return model
