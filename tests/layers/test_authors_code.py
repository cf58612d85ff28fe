"""Each layer computes what its authors' code computes, with the same weights (see `tests/oracles/make.py`)."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memoryspan import layers

FILES = sorted((Path(__file__).parents[1] / "oracles").glob("*.npz"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_outputs_and_gradients_are_those_of_the_authors_code(file):
    with np.load(file) as arrays:
        found = dict(arrays)
    about = json.loads(str(found.pop("about")))
    layer = getattr(layers, file.stem.partition("_")[0])(**about["arguments"], return_sequences=True, seed=0)
    layer.build(found["x"].shape)
    names = [variable.path.removeprefix(f"{layer.name}/") for variable in layer.trainable_variables]
    assert sorted(names) == sorted(name.removeprefix("weight/") for name in found if name.startswith("weight/"))

    def output(weights, x):
        return layer.stateless_call(weights, [], x)[0]

    @jax.jit
    def both(weights, x):
        y, back = jax.vjp(output, weights, x)
        return y, *back(jnp.asarray(found["dy"]))

    y, of_weights, of_x = both([found[f"weight/{name}"] for name in names], found["x"])
    np.testing.assert_allclose(y, found["y"], rtol=1e-4, atol=1e-4)
    for name, gradient in zip(["x", *names], [of_x, *of_weights], strict=True):
        scale = np.abs(found[f"gradient/{name}"]).max()
        np.testing.assert_allclose(gradient, found[f"gradient/{name}"], rtol=1e-4, atol=1e-4 * scale, err_msg=name)
