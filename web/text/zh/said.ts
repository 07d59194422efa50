/**
 * 机器自己的句子：拒绝的原因、描述符的种类、事件的名称。它们以英文到达，这里按原句查表翻译。
 * `{}` 是照搬的值，`<>` 是还要查表的词组；译文用 {0}、{1}… 取用它们。said.test.ts 检查核心的每个句子都在表中。
 */
import type { said as English } from '../said.ts';
import type { Words } from '../words.ts';

export const SENTENCES: Readonly<Record<string, string>> = {
  // 打开镜像
  'The image is empty.': '镜像是空的。',
  'The initrd is empty.': 'initrd 是空的。',
  'This file is neither a multiboot kernel nor a Linux bzImage nor firmware.':
    '这个文件不是 multiboot 内核，不是 Linux bzImage，也不是固件。',
  'This file is compressed with gzip: a kernel has to be unpacked, an initramfs goes in as the initrd.':
    '这个文件经过 gzip 压缩：内核要先解压，initramfs 则作为 initrd 使用。',
  'This file is compressed with xz: unpack it first.': '这个文件经过 xz 压缩：请先解压。',
  'This file is a cpio archive: an initramfs goes in as the initrd, beside a kernel.':
    '这个文件是 cpio 归档：initramfs 要作为 initrd，与内核一起打开。',
  'This file is a CD image: take the kernel out of it, a CD cannot be started.':
    '这个文件是光盘镜像：光盘无法启动，请从中取出内核。',
  'This file looks like a boot sector or disk image: only multiboot kernels, Linux bzImages and firmware can be started.':
    '这个文件像是引导扇区或磁盘镜像：能启动的只有 multiboot 内核、Linux bzImage 和固件。',
  'This kernel is made for Xen and has no multiboot header: it can only be run paravirtualized (--mode para).':
    '这个内核是为 Xen 编译的，没有 multiboot 头：只能以半虚拟化方式运行。',
  'This ELF file has a multiboot 2 header, but the loader speaks multiboot 1: add a header of version 1.':
    '这个 ELF 文件带有 multiboot 2 头，而加载程序只支持 multiboot 1：请加上版本 1 的头。',
  'This ELF file has no multiboot header in its first 8192 bytes, so it is not a kernel that can be started.':
    '这个 ELF 文件的前 8192 字节中没有 multiboot 头，因此不是可以启动的内核。',
  'This ELF file has no program headers, so nothing says where to load it: link it.':
    '这个 ELF 文件没有程序头，不知道该装入何处：请先链接。',
  'This ELF file is damaged: its program headers have {} bytes instead of 32.':
    '这个 ELF 文件已损坏：程序头的长度是 {0} 字节，而不是 32 字节。',
  'This is a 64-bit ELF file, but the machine is a 32-bit PC: build the kernel with -m32.':
    '这是 64 位 ELF 文件，而机器是 32 位 PC：请用 -m32 编译内核。',
  'This ELF file is damaged: its class or version is unknown.': '这个 ELF 文件已损坏：类别或版本未知。',
  'This ELF file is for <>, not for x86: build the kernel for i386.':
    '这个 ELF 文件面向 {0}，而不是 x86：请为 i386 编译内核。',
  'machine number {}': '编号为 {0} 的机器',
  'a big-endian machine': '大端机器',
  'This is an ELF object file, not a program: link it into a kernel first.':
    '这是 ELF 目标文件，不是程序：请先链接成内核。',
  'This ELF file is of type {}, not an executable program.': '这个 ELF 文件的类型是 {0}，不是可执行程序。',
  'This ELF file is damaged: program header {} has more bytes in the file than in memory.':
    '这个 ELF 文件已损坏：程序头 {0} 在文件中的字节数多于在内存中的字节数。',
  'This ELF file is damaged: two of its program headers load to the same memory at {}.':
    '这个 ELF 文件已损坏：有两个程序头装入同一处内存 {0}。',
  'This ELF file is damaged: one of its notes is longer than the place for notes.':
    '这个 ELF 文件已损坏：有一条注记比存放注记的区域还长。',
  'This ELF file has nothing to load: link the kernel with code in it.':
    '这个 ELF 文件中没有可装入的内容：请把代码链接进内核。',
  "The kernel's entry point {} lies outside of what it loads.": '内核的入口 {0} 在它所装入的范围之外。',
  'Firmware starts by itself: it takes no initrd.': '固件自行启动：不使用 initrd。',
  'Firmware needs at least 1 MiB of memory.': '固件至少需要 1 MiB 内存。',
  'This is a Linux kernel, which needs an initial RAM disk to have programs to run: give it one as the initrd.':
    '这是 Linux 内核，需要初始内存盘才有程序可运行：请把它作为 initrd 一起打开。',
  'This Linux kernel unpacks itself up to {}, but the machine has {} of memory: give it more.':
    '这个 Linux 内核会解压到 {0}，而机器只有 {1} 内存：请增加内存。',
  'This Linux kernel speaks boot protocol {}.{}, older than 2.6: take a kernel from 2.6.22 on.':
    '这个 Linux 内核的引导协议是 {0}.{1}，早于 2.6：请使用 2.6.22 以后的内核。',
  'This Linux kernel is a zImage, which is loaded below 640 KiB: build it as a bzImage.':
    '这个 Linux 内核是装入 640 KiB 以下的 zImage：请编译成 bzImage。',
  'This is a 64-bit Linux kernel, but the machine is a 32-bit PC: take an i386 kernel.':
    '这是 64 位 Linux 内核，而机器是 32 位 PC：请使用 i386 内核。',
  'This Linux kernel is damaged: its setup header says that there is no kernel behind it.':
    '这个 Linux 内核已损坏：它的 setup 头说后面没有内核。',
  "The initrd of {} does not fit between the kernel's end at {} and {}: give the machine more memory or take a smaller initrd.":
    '{0} 的 initrd 放不进内核末尾 {1} 与 {2} 之间：请增加内存，或使用更小的 initrd。',
  'The command line has {} bytes, but this Linux kernel takes {} at most.':
    '命令行有 {0} 字节，而这个 Linux 内核最多接受 {1} 字节。',
  'The command line has {} bytes, but there is room for {}.': '命令行有 {0} 字节，而只有 {1} 字节的空间。',
  'The multiboot header demands features that this loader does not know (flags {}).':
    'multiboot 头要求加载程序所不支持的功能（标志 {0}）。',
  'The addresses in the multiboot header are wrong: the load address does not fit the header address.':
    'multiboot 头中的地址有误：装入地址与头的地址不符。',
  'The addresses in the multiboot header are wrong: the load end address lies before the header.':
    'multiboot 头中的地址有误：装入结束地址在头之前。',
  'The addresses in the multiboot header are wrong: the bss end address lies before the load end address.':
    'multiboot 头中的地址有误：bss 结束地址在装入结束地址之前。',
  'The file has a multiboot header without load addresses, but it is not an ELF file either.':
    '文件的 multiboot 头没有装入地址，而它又不是 ELF 文件。',
  'The module of {} does not fit behind the kernel in {} of memory: give the machine more.':
    '{0} 的模块放不进 {1} 内存中内核之后的空间：请增加内存。',
  'The kernel leaves no room below 640 KiB for what the loader has to tell it: link it at 1 MiB.':
    '内核没有在 640 KiB 以下给加载程序的信息留出空间：请链接到 1 MiB。',
  '<> needs memory up to {}, but the machine has {}: give it more memory or check the image.':
    '{0}需要的内存直到 {1}，而机器只有 {2}：请增加内存，或检查镜像。',
  '<> would overwrite the interrupt vectors and BIOS data at 0 to {}: link it higher.':
    '{0}会覆盖 0 到 {1} 的中断向量和 BIOS 数据：请链接到更高的地址。',
  '<> reaches into the video memory and ROMs at {} to {}: link it at 1 MiB or higher.':
    '{0}会进入 {1} 到 {2} 的显存和 ROM：请链接到 1 MiB 或更高的地址。',
  'The image is cut short or damaged: <> reaches to byte {}, but the file has {} bytes.':
    '镜像被截断或已损坏：{0}直到第 {1} 字节，而文件只有 {2} 字节。',
  'The kernel': '内核',
  'its ELF header': '它的 ELF 头',
  'its program header table': '它的程序头表',
  'program header {} of the ELF file': 'ELF 文件的程序头 {0} ',
  'its Linux setup header': '它的 Linux setup 头',
  'the kernel that its setup header describes': 'setup 头所描述的内核',
  'its multiboot header': '它的 multiboot 头',
  'the kernel that its multiboot header describes': 'multiboot 头所描述的内核',
  'The memory must be a whole number of MiB from {} to {}.': '内存必须是 {0} 到 {1} MiB 之间的整数。',

  // 半虚拟化的内核
  'This kernel has no notes for Xen: it was not built to run paravirtualized.':
    '这个内核没有 Xen 注记：它不是为半虚拟化编译的。',
  'This kernel is not made for --mode para: it has no Xen notes.': '这个内核不能以半虚拟化方式运行：它没有 Xen 注记。',
  'This kernel wants its memory at {}, which is not a multiple of 4 MiB.':
    '这个内核要求内存位于 {0}，那不是 4 MiB 的整数倍。',
  'This kernel is for the Xen interface <>, not for xen-3.0.': '这个内核面向 Xen 接口 {0}，而不是 xen-3.0。',
  'of no version': '（未注明版本）',
  'This kernel asks for the loader {}, but the only one is generic.': '这个内核要求加载程序 {0}，而这里只有 generic。',
  'This kernel is not built for PAE, and Xen runs no other 32-bit kernels: build it with PAE.':
    '这个内核没有启用 PAE，而 Xen 只运行启用 PAE 的 32 位内核：请启用 PAE 编译。',
  'This kernel demands the feature {}, which a paravirtualized domain cannot have.':
    '这个内核要求功能 {0}，半虚拟化的域不可能具有它。',
  'This kernel loads to {}, which does not fit its own note that memory begins at {}.':
    '这个内核装入 {0}，与它自己的注记“内存始于 {1}”不符。',
  'This kernel needs at least {} to start, but the domain has {}: give it more memory.':
    '这个内核启动至少需要 {0}，而域只有 {1}：请增加内存。',
  'This kernel and its first data reach to {}, but the monitor begins at {}: link it lower.':
    '这个内核及其初始数据直到 {0}，而监视器始于 {1}：请链接到更低的地址。',
  'This kernel leaves the monitor the addresses from {}, but it needs those from {}.':
    '这个内核给监视器留出从 {0} 起的地址，而监视器需要从 {1} 起的地址。',
  'The hypercall page at {} is not a page of the kernel.': '位于 {0} 的超级调用页不是内核的页。',
  "This kernel's notes for Xen are damaged: note {} is not a 32-bit number.":
    '这个内核的 Xen 注记已损坏：注记 {0} 不是 32 位数。',

  // 快照和符号
  'This file is not a Ringside snapshot.': '这个文件不是 Ringside 快照。',
  'The snapshot is damaged: its header cannot be read.': '快照已损坏：无法读取文件头。',
  'The snapshot is damaged, or of another version of Ringside.': '快照已损坏，或来自 Ringside 的其他版本。',
  'The snapshot is cut off: a part of it is missing.': '快照被截断：缺少一部分。',
  'The snapshot is damaged: a table is not whole.': '快照已损坏：有一张表不完整。',
  'The snapshot is larger than any that Ringside writes.': '这个快照比 Ringside 所写的任何快照都大。',
  'The snapshot is damaged: it cannot be unpacked.': '快照已损坏：无法解压。',
  'The snapshot is of a machine with another memory size.': '快照所属的机器内存大小不同。',
  'The snapshot is incomplete.': '快照不完整。',
  'The snapshot has pages beyond its memory.': '快照中有超出其内存的页。',
  'The snapshot has no time-stamp counter.': '快照中没有时间戳计数器。',
  'The symbol file is not JSON.': '符号文件不是 JSON。',
  'The symbol file is not of the form ringside-symbols-1.': '符号文件的格式不是 ringside-symbols-1。',
  'The symbol file has lines of a file that it does not name.': '符号文件含有未列出的源文件的行。',

  // 模式
  'A paravirtualized kernel is another one: it cannot be changed into while it runs.':
    '半虚拟化使用另一个内核：运行中无法切换。',
  'A paravirtualized kernel is another one: the same step is not in both.': '半虚拟化使用另一个内核：两者没有同一步。',
  'This guest uses VMX itself, which the monitor does not give to its guests: it can only run bare.':
    '这个客户机自己使用 VMX，而监视器不向客户机提供 VMX：它只能在裸机上运行。',

  // 运行、回退、编辑
  'No machine is open yet.': '还没有打开机器。',
  'The machine has ended: reset it, or open another guest.': '机器已经停止：请复位，或打开另一个客户机。',
  'The machine runs: pause it to look into its past.': '机器正在运行：请先暂停，再查看过去。',
  'The search was given up.': '已放弃查找。',
  'The guest takes its input too slowly: the rest of what was typed or pasted is dropped.':
    '客户机读取输入太慢：其余键入或粘贴的内容已丢弃。',
  'Nothing was executed before.': '在此之前没有执行过指令。',
  'There was no trap before.': '在此之前没有陷入。',
  'The guest has not left for the monitor before.': '在此之前客户机没有进入过监视器。',
  'No privileged instruction was executed before.': '在此之前没有执行过特权指令。',
  'These four bytes have not changed before.': '在此之前这四个字节没有变化。',
  'The history does not reach back any further.': '历史记录到此为止。',
  'The history does not reach back to there.': '历史记录没有那么早。',
  'The machine has not come to there yet.': '机器还没有到达那里。',
  'This session keeps no history to go back in.': '这次运行没有保留可以回退的历史。',
  'The journal does not reach back to there: its oldest entries were dropped.': '日志没有那么早：最早的记录已被丢弃。',
  'The replay went another way than before.': '重放的过程与之前不同。',
  'The replay went another way than the journal says.': '重放的过程与日志不符。',
  'A replay goes forward: this lies before the checkpoint.': '重放只能向前：这一刻在检查点之前。',
  'The machine ended before the moment that is to be replayed.': '机器在要重放的时刻之前就停止了。',
  'Memory of a paravirtualized guest cannot be edited: its page tables must stay as they were validated.':
    '半虚拟化客户机的内存不能编辑：它的页表必须保持验证过的样子。',
  'Bits 16 to 31 of MXCSR are reserved: they must be 0.': 'MXCSR 的位 16 到 31 保留：必须为 0。',
  'There is no memory to write at <> address {}.': '{0}地址 {1} 处没有可写的内存。',
  linear: '线性',
  physical: '物理',
  'There is no memory at linear address {}.': '线性地址 {0} 处没有内存。',
  'A code window has at most {} rows before and after.': '代码窗口前后最多各 {0} 行。',
  'A memory window has at most {} bytes.': '内存窗口最多 {0} 字节。',
  'An answer has at most {} bytes.': '一次最多回答 {0} 字节。',
  'An answer has at most {} instructions.': '一次最多回答 {0} 条指令。',
  'An answer has at most {} regions.': '一次回答最多包含 {0} 个区域。',
  'No VMCS is current: the guest does not run in VMX operation.': '没有当前 VMCS：客户机不在 VMX 操作中运行。',

  // 表达式
  'An expression has at most {} characters.': '表达式最多 {0} 个字符。',
  '“{}” cannot be read: <>.': '无法读懂“{0}”：{1}。',
  'expected expression after {}': '{0} 之后缺少表达式',
  'expected expression': '缺少表达式',
  'expected comma': '缺少逗号',
  'expected :': '缺少 :',
  'expected {}': '缺少 {0}',
  'unclosed (': '( 没有闭合',
  'unclosed [': '[ 没有闭合',
  'unclosed quote after {}': '{0} 之后的引号没有闭合',
  'unexpected period': '多余的句点',
  'unexpected token {}': '多余的 {0}',
  'unexpected {}': '多余的 {0}',
  'missing unaryOp argument': '一元运算符缺少操作数',
  'missing unaryOp argument.': '一元运算符缺少操作数',
  '{} is no number of 32 bits.': '{0} 不是 32 位数。',
  'There is no operator {} here.': '这里没有运算符 {0}。',
  'Between [ and ] stands one address.': '[ 和 ] 之间是一个地址。',
  'What can be called is byte(address) and word(address).': '可以调用的只有 byte(地址) 和 word(地址)。',
  'There is nothing to compute.': '没有可计算的内容。',
  'An operator is missing between two values.': '两个值之间缺少运算符。',
  'Only numbers, registers, flags and memory can be computed with.': '只能用数、寄存器、标志和内存来计算。',
  'A division by 0 has no value.': '除以 0 没有值。',
  '{} is no register and no flag.': '{0} 既不是寄存器，也不是标志。',

  // 描述符
  null: '空',
  reserved: '保留',
  LDT: 'LDT',
  'TSS 16 available': '16 位 TSS，可用',
  'TSS 16 busy': '16 位 TSS，忙',
  'TSS 32 available': '32 位 TSS，可用',
  'TSS 32 busy': '32 位 TSS，忙',
  'call gate 16': '16 位调用门',
  'call gate 32': '32 位调用门',
  'task gate': '任务门',
  'interrupt gate 16': '16 位中断门',
  'interrupt gate 32': '32 位中断门',
  'trap gate 16': '16 位陷阱门',
  'trap gate 32': '32 位陷阱门',
  'real-mode vector': '实模式向量',
  'code {} <>': '{0} 位代码段，{1}',
  'data <>': '数据段，{0}',
  execute: '只执行',
  'execute/read': '执行/读',
  'execute conforming': '只执行，一致',
  'execute/read conforming': '执行/读，一致',
  read: '只读',
  'read/write': '读/写',
  'read expand-down': '只读，向下扩展',
  'read/write expand-down': '读/写，向下扩展',

  // 事件
  'interrupt {}': '中断 {0}',
  'exception {}': '异常 {0}',
  'exit {}': '退出 {0}',
  'EPT violation': 'EPT 违例',
  'interrupt window': '中断窗口',
  'triple fault': '三重故障',
  'entry failure': '进入失败',
  protection: '保护',
  hypercall: '超级调用',
  'call gate': '调用门',
  'task switch': '任务切换',
  'VM entry': 'VM 进入',
  'VM exit': 'VM 退出',
};

interface Row {
  readonly pattern: RegExp;
  /** Whether each value is looked up itself. */
  readonly isPhrase: readonly boolean[];
  readonly chinese: string;
}

const PLACE = /\{\}|<>/g;

function rowOf([english, chinese]: readonly [string, string]): Row {
  const parts = english.split(PLACE).map(part => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const isPhrase = [...english.matchAll(PLACE)].map(([place]) => place === '<>');
  return { pattern: new RegExp(`^${parts.join('(.+?)')}$`, 's'), isPhrase, chinese };
}

const rows = Object.entries(SENTENCES)
  .filter(([english]) => english.search(PLACE) >= 0)
  .map(rowOf);

/** What was looked up before: names come again with every drawing. */
const found = new Map<string, string>();
const MOST_FOUND = 1000;

function chinese(sentence: string): string {
  const before = found.get(sentence);
  if (before !== undefined) return before;
  if (found.size >= MOST_FOUND) found.clear();
  const now = lookUp(sentence);
  found.set(sentence, now);
  return now;
}

/** In Chinese, or as it stands: a name. */
function lookUp(sentence: string): string {
  if (Object.hasOwn(SENTENCES, sentence)) return SENTENCES[sentence];
  for (const row of rows) {
    const match = row.pattern.exec(sentence);
    if (match === null) continue;
    const values = match.slice(1).map((value, n) => (row.isPhrase[n] ? chinese(value) : value));
    return row.chinese.replaceAll(/\{(\d)\}/g, (_, n) => values[Number(n)]);
  }
  return sentence;
}

export const said: Words<typeof English> = { said: chinese };
