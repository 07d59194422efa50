import type { stops as English } from '../stops.ts';
import type { Words } from '../words.ts';

export const stops: Words<typeof English> = {
  add: '添加',
  addHint: '在写入、退出、中断或其他事件处停下',
  searching: '正在搜索过去',
  dot: {
    conditional: '已设置，带条件',
    off: '已停用',
  },
};
