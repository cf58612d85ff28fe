/** What would be right, where that is known. */

/**
 * `{ asked, expected }` of a sequence, both by step, or null where nobody knows: of an echo it is the symbol to echo; of
 * any other task it is known of `example`, one of those that came with the page, where the sequence is that.
 */
export function expectation(task, sequence, example) {
  if (task.out_index !== null) {
    if (sequence.length <= task.out_index) return null;
    const last = sequence.length - 1;
    return { asked: sequence.map((_, step) => step === last), expected: { [last]: sequence[task.out_index] } };
  }
  return example;
}

/** The model's answer at one step: the most probable class, or the number. */
export function answerOf(output, task) {
  return task.answers === "number" ? output[0] : output.indexOf(output.reduce((a, b) => Math.max(a, b), -Infinity));
}

/**
 * Whether an answer is right: the class that was expected, or a number as near as the task wants it; null if unknown, as
 * it is where more than one class may be right.
 */
export function isRight(answer, expected, task) {
  if (!task.one_right || (task.answers === "number" && task.tolerance === null)) return null;
  return task.answers === "number" ? Math.abs(answer - expected) < task.tolerance : answer === expected;
}
