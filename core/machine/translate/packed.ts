/**
 * As Array.map(), but what it makes is always of the same hidden class, as V8's is not: machine code that has met one kind of list is thrown away when it
 * meets the other.
 */
export function packed<T, U>(list: readonly T[], make: (item: T, index: number) => U): U[] {
  const made: U[] = [];
  for (let n = 0; n < list.length; n++) made.push(make(list[n], n));
  return made;
}
