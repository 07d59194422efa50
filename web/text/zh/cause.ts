import type { cause as English } from '../cause.ts';
import type { Words } from '../words.ts';

export const cause: Words<typeof English> = {
  interrupt: vector => `中断 ${vector}h`,
  callout: 'INT F0h',
  patch: '#BP',
  hypercall: 'INT 82h',
  exit: reason => `退出：${reason}`,
  eptViolation: 'EPT 违例',
  interruptWindow: '中断窗口',
  tripleFault: '三重故障',
  entryFailure: 'VM 进入失败',
  exitReason: {
    0: '异常或 NMI',
    1: '外部中断',
    2: '三重故障',
    7: '中断窗口',
    10: 'CPUID',
    12: 'HLT',
    13: 'INVD',
    14: 'INVLPG',
    15: 'RDPMC',
    28: '访问控制寄存器',
    29: 'MOV DR',
    30: 'I/O 指令',
    31: 'RDMSR',
    32: 'WRMSR',
    33: '客户机状态无效',
    48: 'EPT 违例',
    49: 'EPT 配置错误',
    54: 'WBINVD',
  },
};
