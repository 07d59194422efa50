/** Below this width the three columns do not fit side by side; the style sheets have the same one. */
export const NARROW = '(max-width: 860px)';

/** Whether the page shows one panel at a time now. */
export function isNarrow(): boolean {
  return matchMedia(NARROW).matches;
}
