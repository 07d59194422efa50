import { later } from '../widgets/later.tsx';

/** What is not in the first view. */

export const Bottom = later(async () => (await import('../panels/bottom/Bottom.tsx')).Bottom);
export const Breakpoints = later(async () => (await import('./below.ts')).Breakpoints);
export const ChangePanel = later(async () => (await import('../panels/changes/ChangePanel.tsx')).ChangePanel);
export const DescriptorsPanel = later(
  async () => (await import('../panels/system/DescriptorsPanel.tsx')).DescriptorsPanel,
);
export const ExitsPanel = later(async () => (await import('../panels/exits/ExitsPanel.tsx')).ExitsPanel);
export const Happened = later(async () => (await import('../panels/happened/Happened.tsx')).Happened);
export const ImageFacts = later(async () => (await import('./below.ts')).ImageFacts);
export const MachineFacts = later(async () => (await import('./below.ts')).MachineFacts);
export const MemoryBar = later(async () => (await import('../panels/memory/MemoryBar.tsx')).MemoryBar);
export const MemoryPanel = later(async () => (await import('../panels/memory/MemoryPanel.tsx')).MemoryPanel);
export const ModeDialog = later(async () => (await import('./ModeDialog.tsx')).ModeDialog);
export const OpenDialog = later(async () => (await import('./OpenDialog.tsx')).OpenDialog);
export const Palette = later(async () => (await import('../palette/Palette.tsx')).Palette);
export const SegmentsPanel = later(async () => (await import('./below.ts')).SegmentsPanel);
export const Shortcuts = later(async () => (await import('./Shortcuts.tsx')).Shortcuts);
export const TablesPanel = later(async () => (await import('../panels/tables/TablesPanel.tsx')).TablesPanel);
export const TimelinePanel = later(async () => (await import('../panels/timeline/TimelinePanel.tsx')).TimelinePanel);
export const Tour = later(async () => (await import('./tour/Tour.tsx')).Tour);
export const UntilMenu = later(async () => (await import('./UntilMenu.tsx')).UntilMenu);
export const VerbsPanel = later(async () => (await import('../panels/verbs/VerbsPanel.tsx')).VerbsPanel);
export const VmcsPanel = later(async () => (await import('../panels/system/VmcsPanel.tsx')).VmcsPanel);
export const WalkPanel = later(async () => (await import('../panels/tables/WalkPanel.tsx')).WalkPanel);
