import type { opening as English } from '../opening.ts';
import type { Words } from '../words.ts';

export const opening: Words<typeof English> = {
  drop: { title: '松开即可打开', body: '一个内核、一个内核加初始内存盘，或一个快照' },
  opening: {
    reading: name => `正在读取 ${name}`,
    starting: name => `正在启动 ${name}`,
    cancel: '取消',
  },
  files: {
    tooLarge: (name, size) => `${name} 有 ${size}；不能打开超过 512 MiB 的文件。`,
    empty: name => `${name} 是空文件。`,
    unreachable: name => `无法获取 ${name}：服务器没有应答。`,
    missing: (name, status) => `无法获取 ${name}：服务器返回 ${status}。`,
    unreadable: name => `${name} 没能读完。`,
    tooMany: n => `一次拖入了 ${n} 个文件；请只拖入一个内核，或一个内核和它的初始内存盘。`,
    initrdAlone: name => `${name} 看起来是初始内存盘；请把它和内核一起拖入。`,
  },
  failure: {
    title: '机器停止了工作',
    crashed: '模拟器本身出错了。这是 Ringside 的错误，不是客户机的错误。',
    silent: '模拟器已经 5 秒没有应答。',
    unreadable: '无法读取模拟器的应答。',
    keeps: '同一个客户机将从头启动。断点和设置会保留。',
    restart: '重新启动机器',
    report: '错误信息',
  },
};
