import { useRef } from 'react';

/** The last value that was there: what is asked anew each time does not go away while the answer is on its way. */
export function useKept<T>(value: T | null): T | null {
  const kept = useRef<T | null>(null);
  if (value !== null) kept.current = value;
  return kept.current;
}
