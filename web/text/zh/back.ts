import type { back as English } from '../back.ts';
import type { Words } from '../words.ts';

export const back: Words<typeof English> = {
  step: '后退一步',
  stepHint: '回到上一条指令执行之前',
  trap: '退回上一次陷入',
  trapHint: '回到上一次陷入之前',
  none: '没有保存这台机器的历史。',
  start: '历史记录到此为止，不能再往前退。',
  running: '要后退，请先暂停机器。',
};
