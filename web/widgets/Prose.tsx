/** A sentence whose parts between backticks are code. */
export function Prose({ children }: { readonly children: string }) {
  const parts = children.split('`');
  // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one sentence never change places.
  return parts.map((part, i) => (i % 2 === 1 ? <code key={i}>{part}</code> : part));
}
