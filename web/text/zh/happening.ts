import type { happening as English } from '../happening.ts';
import type { Words } from '../words.ts';

export const happening: Words<typeof English> = {
  monitor: '监视器',
  previous: '上一个',
  next: '下一个',
  position: (n, of) => (n === null ? `之前 ${of} 个` : `第 ${n} 个，共 ${of} 个`),
  past: '此后机器又运行了一段。',
  story: {
    protection: (what, cause) =>
      `内核以为自己在 ring 0，可以执行 \`${what}\`。而机器让它运行在 ring 1，所以处理器产生 ${cause}，由监视器接管。`,
    paraProtection: (what, cause) =>
      `内核知道自己在 ring 1，却还是执行了 \`${what}\`。处理器产生 ${cause}，由监视器接管。`,
    userProtection: (what, cause) => `ring 3 中的进程执行了 \`${what}\`。处理器产生 ${cause}，它首先到达监视器。`,
    hiddenFault: (what, address) =>
      `\`${what}\` 访问 \`${address}\`。客户机自己的页表映射了它，影子页表却还没有：这是一次隐藏的缺页，客户机毫无察觉。`,
    tracedWrite: (what, address) =>
      `\`${what}\` 写入 \`${address}\`，那里是客户机的一个页表。监视器把页表设为只读，以便看到每一次修改。`,
    device: (what, address) => `\`${what}\` 访问 \`${address}\`，那里没有内存。监视器代替设备作出应答。`,
    trueFault: (what, address) =>
      `\`${what}\` 访问 \`${address}\`，而客户机自己的页表不允许：这是真正的缺页，要由客户机的内核处理。`,
    exception: (what, cause) => `\`${what}\` 引起 ${cause}。这是客户机自己的事，监视器把它转交给客户机的内核。`,
    interrupt: cause => `机器送来${cause}，它属于监视器。`,
    translatedCallout: what => `\`${what}\` 不能交给翻译后的代码完成：翻译后的代码在这里用 INT F0h 调用监视器。`,
    translation: address => `客户机要从 \`${address}\` 继续，那里还没有翻译过：监视器当场翻译了它。`,
    patch: what => `\`${what}\` 在 ring 1 不会陷入，因此扫描器在它的位置放了断点，由此进入监视器。`,
    scan: address => `客户机来到 \`${address}\`，这段代码还没有扫描过：监视器扫描了它。`,
    hypercall: name => `内核知道监视器的存在，主动请求它：在 ring 1 用 INT 82h 发出超级调用 \`${name}\`。`,
    exit: what => `按照 VMCS 的设置，处理器在执行 \`${what}\` 之前离开非根操作：VM 退出，进入监视器。`,
    eptViolation: address => `客户机物理地址 \`${address}\` 在扩展页表中没有表项：VM 退出。`,
    interruptWindow: '客户机又可以接受中断了，监视器一直在等这一刻：VM 退出。',
    tripleFault: '客户机无法处理一个异常，随后的双重故障也无法处理。',
    entryFailure: 'VM 进入失败：VMCS 中的客户机状态是处理器不可能具有的状态。',
    delivered: (cause, from) => `${cause} 从 ring ${from} 经客户机自己的 IDT 投递。没有监视器，控制权在内核手中。`,
  },
  rows: {
    source: '源代码',
    rule: '规则',
    saved: '保存现场',
    savedHint: {
      frame: '由处理器压入监视器的栈',
      guest: '由处理器压入内核的栈',
      vmcs: '由处理器写入 VMCS',
    },
    monitor: '监视器',
    guest: '客户机所见',
    cost: '开销',
  },
  nothingChanged: '没有变化',
  cost: n => `监视器的 ${n} 次指令与访存`,
  deed: {
    emulated: '模拟了这条指令，效果与客户机的处理器执行它相同。',
    delivered: what => `进入客户机自己的 ${what} 处理程序。`,
    hiddenFault: address => `按照客户机的页表，在影子页表中补上 \`${address}\` 的表项。`,
    tracedWrite: address => `代为完成对 \`${address}\` 的写入，并丢弃影子页表中由旧表项生成的内容。`,
    device: address => `访问位于 \`${address}\` 的设备。`,
    translated: address => `准备好 \`${address}\` 处的代码，客户机从那里继续。`,
    hypercall: (name, result) => `完成 \`${name}\`；EAX 得到 \`${result}\`。`,
    machineInterrupt: vector => `处理机器自己的${vector}，客户机看不到它。`,
    resume: {
      iret: '用 IRET 返回客户机。',
      vmresume: '用 VMRESUME 返回客户机。',
    },
  },
  halted: ['是 → 否', '否 → 是'],
  qualification: {
    port: (port, bytes, isIn) => `${isIn ? '读' : '写'}端口 ${port}，${bytes} 字节`,
    control: (register, isRead) => `${isRead ? '读取' : '装入'} CR${register}`,
  },
  ringOf: ring => `ring ${ring}`,
};
