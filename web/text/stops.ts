/** Words of breakpoints and of ways through time that the first view has. */
export const stops = {
  add: 'Add',
  addHint: 'Stop at a write, an exit, an interrupt, or something else',
  /** The machine looks for a moment of its past. */
  searching: 'Searching the past',
  /** Beside an instruction in the code. */
  dot: {
    conditional: 'set with a condition',
    off: 'switched off',
  },
};
