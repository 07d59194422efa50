/** Words of going back in time. */
export const back = {
  step: 'Back',
  stepHint: 'Back to before the last instruction',
  trap: 'Back to previous trap',
  trapHint: 'Back to before the last trap',
  none: 'Nothing of this machine’s past is kept.',
  start: 'The history does not reach back any further.',
  running: 'Pause the machine to go back.',
};
