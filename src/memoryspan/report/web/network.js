/**
 * The model in the page: the equations of Keras's LSTM, GRU, SimpleRNN, Dense and Embedding, in Float32.
 *
 * A network is a list of layers. A layer has `start()`, its state before the first step (null without one), and
 * `step(x, state)`, which gives `{ output, state, arrays }`: what it puts out, its next state, and its gates and states by
 * name. `x` is a symbol (an integer, which stands for its one-hot vector) or a vector. A recurrent layer also has `units`,
 * and `size`, about the multiplications of a step.
 */

const BUILDERS = {
  LSTM: lstm,
  GRU: gru,
  SimpleRNN: simpleRnn,
  Dense: dense,
  Embedding: embedding,
  Activation: activationLayer,
};

/** The network from its description and one flat array of all of its weights, in the order of the description. */
export function build(descriptions, weights) {
  let at = 0;
  return descriptions.map((description) => {
    const arrays = description.shapes.map((shape) => {
      const size = shape.reduce((product, side) => product * side, 1);
      at += size;
      return weights.subarray(at - size, at);
    });
    return { name: description.name, ...BUILDERS[description.kind](description, ...arrays) };
  });
}

export function start(network) {
  return network.map((layer) => layer.start());
}

/** One step of the whole network: what it puts out, its next states, and the arrays of each layer. */
export function step(network, states, x) {
  const next = [];
  const arrays = [];
  let value = x;
  for (const [number, layer] of network.entries()) {
    const done = layer.step(value, states[number]);
    value = done.output;
    next.push(done.state);
    arrays.push(done.arrays);
  }
  return { output: value, states: next, arrays };
}

/**
 * What the network does with a sequence.
 *
 * `outputs`: what it would answer if the sequence ended at each step. `states`: before the first step, and after each.
 * `layers`: of the recurrent ones, `{ name, units, arrays }`, each array by name as a list of vectors, one a step.
 */
export function run(network, sequence) {
  const outputs = [];
  const states = [start(network)];
  const seen = network.map(() => ({}));
  for (const x of sequence) {
    const done = step(network, states.at(-1), x);
    outputs.push(done.output);
    states.push(done.states);
    for (const [number, arrays] of done.arrays.entries()) {
      for (const [name, array] of Object.entries(arrays)) {
        seen[number][name] ??= [];
        seen[number][name].push(array);
      }
    }
  }
  const layers = network
    .map((layer, number) => ({ name: layer.name, units: layer.units, arrays: seen[number] }))
    .filter((layer) => layer.units !== undefined);
  return { outputs, states, layers };
}

function lstm({ units, activation, recurrent_activation: gate }, kernel, recurrent, bias) {
  return {
    units,
    size: recurrent.length,
    start: () => ({ cell: new Float32Array(units), hidden: new Float32Array(units) }),
    step(x, state) {
      const z = affine(kernel, x, bias, 4 * units);
      addProduct(z, state.hidden, recurrent);
      const input = activate(gate, part(z, 0, units));
      const forget = activate(gate, part(z, 1, units));
      const candidate = activate(activation, part(z, 2, units));
      const output = activate(gate, part(z, 3, units));
      const cell = state.cell.map((kept, unit) => forget[unit] * kept + input[unit] * candidate[unit]);
      const hidden = activate(activation, cell.slice()).map((shown, unit) => output[unit] * shown);
      return {
        output: hidden,
        state: { cell, hidden },
        arrays: { input, forget, candidate, output, cell, hidden },
      };
    },
  };
}

function gru({ units, activation, recurrent_activation: gate, reset_after }, kernel, recurrent, bias) {
  const width = 3 * units;
  const [inputBias, recurrentBias] = reset_after ? [bias.subarray(0, width), bias.subarray(width)] : [bias, null];
  return {
    units,
    size: recurrent.length,
    start: () => ({ hidden: new Float32Array(units) }),
    step(x, { hidden }) {
      const ofInput = affine(kernel, x, inputBias, width);
      const ofHidden = recurrentBias ? recurrentBias.slice() : new Float32Array(width);
      addProduct(ofHidden, hidden, recurrent, 0, reset_after ? width : 2 * units);
      const sum = (number) =>
        part(ofInput, number, units).map((value, unit) => value + ofHidden[number * units + unit]);
      const update = activate(gate, sum(0));
      const reset = activate(gate, sum(1));
      if (!reset_after) {
        addProduct(
          ofHidden,
          hidden.map((value, unit) => reset[unit] * value),
          recurrent,
          2 * units,
          width,
        );
      }
      const seen = part(ofHidden, 2, units).map((value, unit) => (reset_after ? reset[unit] * value : value));
      const candidate = activate(
        activation,
        part(ofInput, 2, units).map((value, unit) => value + seen[unit]),
      );
      const next = hidden.map((kept, unit) => update[unit] * kept + (1 - update[unit]) * candidate[unit]);
      return { output: next, state: { hidden: next }, arrays: { update, reset, candidate, hidden: next } };
    },
  };
}

function simpleRnn({ units, activation }, kernel, recurrent, bias) {
  return {
    units,
    size: recurrent.length,
    start: () => ({ hidden: new Float32Array(units) }),
    step(x, state) {
      const z = affine(kernel, x, bias, units);
      addProduct(z, state.hidden, recurrent);
      const hidden = activate(activation, z);
      return { output: hidden, state: { hidden }, arrays: { hidden } };
    },
  };
}

function dense({ activation }, kernel, bias) {
  return stateless((x) => activate(activation, affine(kernel, x, bias, bias.length)));
}

function embedding({ shapes: [[, width]] }, table) {
  return stateless((symbol) => table.subarray(symbol * width, (symbol + 1) * width));
}

function activationLayer({ activation }) {
  return stateless((x) => activate(activation, x.slice()));
}

function stateless(output) {
  return { start: () => null, step: (x) => ({ output: output(x), state: null, arrays: {} }) };
}

/** `x · kernel + bias`, where a symbol is its one-hot vector: a row of the kernel. */
function affine(kernel, x, bias, width) {
  const z = bias.slice();
  if (typeof x === "number") {
    for (let column = 0; column < width; column++) z[column] += kernel[x * width + column];
  } else {
    addProduct(z, x, kernel);
  }
  return z;
}

/** Adds `x · matrix` to `z`, in the columns from `first` up to `end`. */
function addProduct(z, x, matrix, first = 0, end = z.length) {
  const width = z.length;
  for (let row = 0; row < x.length; row++) {
    const value = x[row];
    for (let column = first; column < end; column++) z[column] += value * matrix[row * width + column];
  }
}

/** The vector number `number` of those of equal width that lie one after the other. */
function part(vectors, number, width) {
  return vectors.slice(number * width, (number + 1) * width);
}

/** Puts the activation of each value in its place; the softmax looks at all of them. */
function activate(name, z) {
  if (name === "softmax") {
    const highest = z.reduce((a, b) => Math.max(a, b), -Infinity);
    let total = 0;
    for (let unit = 0; unit < z.length; unit++) {
      z[unit] = Math.exp(z[unit] - highest);
      total += z[unit];
    }
    return z.map((value) => value / total);
  }
  const activation = ACTIVATIONS[name];
  for (let unit = 0; unit < z.length; unit++) z[unit] = activation(z[unit]);
  return z;
}

const ACTIVATIONS = {
  linear: (z) => z,
  relu: (z) => Math.max(0, z),
  sigmoid: (z) => 1 / (1 + Math.exp(-z)),
  tanh: Math.tanh,
};
