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
      body: 'Press Step, or `F11`. The guest executes this one instruction, with the help of the monitor if there is one, and stops again.',
    },
    {
      title: 'What just happened',
      body: 'Every stop says here what happened and why. Below it stands what the same instruction does in each mode.',
    },
    {
      title: 'Change what lies below',
      body: 'Bare, the kernel is in ring 0 and nobody is below it. Full, Para and Hardware put a monitor there, each in its own way. Choose another and step on: the guest continues at its instruction, and only for Para it starts again.',
    },
    {
      title: 'Follow it anywhere',
      body: 'Here are exits and timeline of the whole run; the page tables and the walk of any address are beside the registers. What is underlined or lights up can be clicked.',
    },
  ],
};
