/** Panels that stand below the others in their column: they come together, after what stands above them. */
export { Breakpoints } from '../panels/breakpoints/Breakpoints.tsx';
export { ImageFacts } from '../panels/facts/ImageFacts.tsx';
export { MachineFacts } from '../panels/facts/MachineFacts.tsx';
export { SegmentsPanel } from '../panels/registers/SegmentsPanel.tsx';
