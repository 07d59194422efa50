import type { happened as English } from '../happened.ts';
import type { Words } from '../words.ts';

/** How a sentence about the next instruction begins: with its name, or after a sentence that has named it. */
function subject(instruction: string | null): string {
  return instruction === null ? '它' : `下一条 \`${instruction}\` `;
}

export const happened: Words<typeof English> = {
  label: '刚才发生了什么',
  empty: '还没有打开客户机。请在上方选择一个，或把内核文件拖到页面上。',
  starting: '正在启动客户机。',
  running: '客户机正在运行。暂停之后可以仔细查看。',
  idle: '处理器停在 `hlt`，等待中断到来。虚拟时间继续前进。',
  join: (first, second) => `${first}${second}`,
  step: {
    diverted: to => `这时来了异常或中断：处理器通过 IDT 转到了 \`${to}\`。`,
    divertedAcross: (to, from, into) =>
      `这时来了异常或中断：处理器通过 IDT 转到了 \`${to}\`，并从 ring ${from} 进入 ring ${into}。`,
    inward: (from, into) => `它通过内核设置的门，从 ring ${from} 进入 ring ${into}：现在由内核掌握控制权。`,
    outward: (from, to) => `它从 ring ${from} 转到外层的 ring ${to}，在那里执行特权指令会陷入。`,
    returned: n => `一直运行到它返回：共 ${n} 条指令。`,
    again: '它执行了一次，还会再执行：这条指令会重复自己，或跳回自己。',
    led: to => `它执行了，并转到 \`${to}\`。`,
    plain: '它执行了：一条普通指令，在任何特权级都一样。',
    privileged: '这是特权指令。内核在 ring 0，下面没有监视器，所以直接执行了。',
    sensitive: '这是敏感但非特权的指令。在 ring 0 它做的正是内核所期望的；在其他特权级结果会不同，却不会陷入。',
    sensitiveElsewhere: cpl => `这是敏感但非特权的指令：它在 ring ${cpl} 执行而没有陷入，读到了或丢失了机器的状态。`,
    io: (cpl, iopl) => `它取决于 IOPL。现在 CPL 为 ${cpl}，IOPL 为 ${iopl}，允许执行。`,
    machine: address => `机器的处理器正在执行监视器自己的代码，位于 \`${address}\`。客户机在等待。`,
    emulated: '监视器没有等它陷入就模拟了它：客户机当时的状态，在这种模式下无法直接交给机器。',
  },
  stop: {
    start: '还没有执行任何指令。加载器已把客户机放进内存，处理器停在第一条指令之前。',
    privileged: here =>
      `停在第一条特权指令 \`${here}\` 之前。内核在 ring 0，下面没有监视器，所以它会直接执行。请按“单步”。`,
    privilegedElsewhere: here => `停在第一条特权指令 \`${here}\` 之前。不在 ring 0 执行就会产生 #GP(0)。请按“单步”。`,
    privilegedIo: (here, cpl) =>
      `停在 \`${here}\` 之前，这是第一条只有内核才能执行的指令：它要求 CPL ≤ IOPL。内核在 ring ${cpl}，所以它会直接执行。请按“单步”。`,
    privilegedUnder: (here, fate) => `停在第一条特权指令 \`${here}\` 之前。${fate}请按“单步”。`,
    privilegedIoUnder: (here, fate) => `停在 \`${here}\` 之前，这是第一条只有内核才能执行的指令。${fate}请按“单步”。`,
    pause: here => `停在 \`${here}\` 之前。`,
    step: here => `已执行一步。下一条是 \`${here}\`。`,
    breakpoint: (address, here) => `停在断点 \`${address}\`，即 \`${here}\` 之前。`,
    powerOff: '客户机关闭了机器的电源。按“复位”重新启动。',
    deadHalt: '处理器在关中断的情况下执行了 `hlt`，没有什么能唤醒它。按“复位”重新开始。',
    tripleFault: '一个异常无法投递，随后的双重故障也无法投递，处理器因此停机。请按“复位”。',
    unimplemented: here => `Ringside 尚未实现 \`${here}\`。机器停在它之前。`,
  },
  next: {
    plain: instruction => `下一条：\`${instruction}\`。`,
    privileged: instruction => `${subject(instruction)}是特权指令。在 ring 0 会直接执行。`,
    privilegedElsewhere: (instruction, cpl) =>
      `${subject(instruction)}是特权指令。在 ring ${cpl} 会产生 #GP(0)，内核通过 IDT 得到控制权。`,
    sensitive: instruction => `${subject(instruction)}是敏感但非特权的指令：它从不陷入。`,
    io: (instruction, cpl) => `${subject(instruction)}受 IOPL 约束。CPL ${cpl} 不大于 IOPL，所以可以执行。`,
    inMode: (instruction, verb, why) => `${subject(instruction)}${verb}。${why}`,
    ioTraps: (instruction, cpl, iopl) =>
      `${subject(instruction)}受 IOPL 约束。CPL ${cpl} 大于 IOPL ${iopl}，除非 TSS 的 I/O 许可位图放行，否则会陷入。`,
  },
};
