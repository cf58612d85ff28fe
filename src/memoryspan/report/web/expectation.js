/** What would be right, where that is known. */

/**
 * `{ asked, expected }` of a sequence, both by step, or null where nobody knows: of an echo it is the symbol to echo; of
 * any other task it is known of the examples that came with the page.
 */
export function expectation(task, sequence, examples) {
  if (task.out_index !== null) {
    if (sequence.length <= task.out_index) return null;
    const last = sequence.length - 1;
    return { asked: sequence.map((_, step) => step === last), expected: { [last]: sequence[task.out_index] } };
  }
  const text = JSON.stringify(sequence.map((x) => (typeof x === "number" ? x : Array.from(x))));
  const example = examples.find(({ inputs }) => JSON.stringify(plain(inputs)) === text);
  return example ? { asked: example.asked, expected: example.expected } : null;
}

function plain(inputs) {
  return inputs.map((x) => (typeof x === "number" ? x : Array.from(Float32Array.from(x))));
}

/** The model's answer at one step: the most probable class, or the number. */
export function answerOf(output, task) {
  return task.answers === "number" ? output[0] : output.indexOf(output.reduce((a, b) => Math.max(a, b), -Infinity));
}

/** Whether an answer is right: the class that was expected, or a number as near as the task wants it. */
export function isRight(answer, expected, task) {
  return task.answers === "number" ? Math.abs(answer - expected) < task.tolerance : answer === expected;
}
