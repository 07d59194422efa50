/** Words for questions that get no answer. */
export const asking = {
  failed: 'The machine has stopped working.',
  gone: 'Another guest was opened before the answer came.',
};
