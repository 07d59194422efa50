/** Words of the dialog that opens an image. */
export const openDialog = {
  title: 'Open an image',
  intro: 'A multiboot or ELF kernel, or a Linux bzImage. It stays on this computer.',
  kernel: 'Kernel',
  initrd: 'Initial RAM disk (optional)',
  commandLine: 'Command line',
  commandLineHint: 'Empty: `console=ttyS0` for Linux, nothing for others',
  memory: 'Memory in MiB',
  memoryHint: 'Empty: 256 for Linux, 64 for others',
  badMemory: 'Memory is a whole number of MiB from 4 to 2048.',
  noKernel: 'Choose a kernel file.',
  open: 'Open',
  cancel: 'Cancel',
};
