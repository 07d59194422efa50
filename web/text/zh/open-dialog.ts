import type { openDialog as English } from '../open-dialog.ts';
import type { Words } from '../words.ts';

export const openDialog: Words<typeof English> = {
  title: '打开镜像',
  intro: 'multiboot 或 ELF 内核，或 Linux bzImage。文件不会离开这台电脑。',
  kernel: '内核',
  initrd: '初始内存盘（可选）',
  commandLine: '命令行',
  commandLineHint: '留空：Linux 用 `console=ttyS0`，其他内核没有命令行',
  memory: '内存（MiB）',
  memoryHint: '留空：Linux 为 256，其他为 64',
  badMemory: '内存应为 4 到 2048 之间的整数，单位 MiB。',
  noKernel: '请选择内核文件。',
  open: '打开',
  cancel: '取消',
};
