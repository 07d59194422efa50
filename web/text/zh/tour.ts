import type { tour as English } from '../tour.ts';
import type { Words } from '../words.ts';

export const tour: Words<typeof English> = {
  label: '导览',
  position: (n, of) => `第 ${n} 步，共 ${of} 步`,
  back: '上一步',
  next: '下一步',
  done: '完成',
  skip: '跳过导览',
  keys: '按 Esc 跳过',
  steps: [
    {
      title: '一台停住的 PC',
      body: '客户机的内核停在标出的这一行之前。这是一条特权指令：只有 ring 0 才能执行。在你操作之前，什么都不会运行。',
    },
    {
      title: '执行一条指令',
      body: '按“单步”，或按 `F11`。机器执行这一条指令，然后再次停下。',
    },
    {
      title: '刚才发生了什么',
      body: '每次停下，这里都会说明发生了什么、为什么。下面列出同一条指令在每种模式下的结果。',
    },
    {
      title: '在下面放一个虚拟机监视器',
      body: '选择“全虚拟化”中的“陷入并模拟”，再单步执行：内核改在 ring 1 继续运行，下一条特权指令就会陷入监视器。',
    },
    {
      title: '处处可以追问',
      body: '这里是整个运行过程的退出统计和时间线；页表和任意地址的页表遍历在寄存器旁边。带下划线的、会亮起来的，都可以点击。',
    },
  ],
};
