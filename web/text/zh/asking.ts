/** 没有得到回答的问题。 */
export const asking = {
  failed: '机器已停止工作。',
  gone: '回答到来之前，已打开了另一个客户机。',
};
