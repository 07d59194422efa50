/** Panels that stand below the others in their column: they come together, after what stands above them. */
export { Breakpoints } from '../panels/breakpoints/Breakpoints.tsx';
export { ChangePanel } from '../panels/changes/ChangePanel.tsx';
export { ImageFacts } from '../panels/facts/ImageFacts.tsx';
export { MachineFacts } from '../panels/facts/MachineFacts.tsx';
export { SegmentsPanel } from '../panels/registers/SegmentsPanel.tsx';
export { UnitsPanel } from '../panels/registers/UnitsPanel.tsx';
export { DescriptorsPanel } from '../panels/system/DescriptorsPanel.tsx';
export { VmcsPanel } from '../panels/system/VmcsPanel.tsx';
export { TablesPanel } from '../panels/tables/TablesPanel.tsx';
export { WalkPanel } from '../panels/tables/WalkPanel.tsx';
