/** Words of the tour, for those who are here for the first time. */
export const tour = {
  label: 'Tour',
  position: (n: number, of: number) => `${n} of ${of}`,
  back: 'Back',
  next: 'Next',
  done: 'Done',
  skip: 'Skip the tour',
  keys: 'Esc skips',
  steps: [
    {
      title: 'A PC stands still',
      body: 'The guest’s kernel is paused before the marked line, a privileged instruction: only ring 0 may execute it. Nothing runs until you say so.',
    },
    {
      title: 'Execute one instruction',
      body: 'Press Step, or `F11`. The machine does this one instruction and stops again.',
    },
    {
      title: 'What just happened',
      body: 'Every stop says here what happened and why. Below it stands what the same instruction does in each mode.',
    },
    {
      title: 'Put a monitor below',
      body: 'Choose Full, trap and emulate, and step again: the kernel goes on in ring 1, and the next privileged instruction traps into the monitor.',
    },
    {
      title: 'Follow it anywhere',
      body: 'Here are exits and timeline of the whole run; the page tables and the walk of any address are beside the registers. What is underlined or lights up can be clicked.',
    },
  ],
};
