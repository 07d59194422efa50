import { later } from '../widgets/later.tsx';

/** What is not in the first view. What is drawn together comes together: each piece is a request, and its name is in the first one. */

const below = () => import('./below.ts');
const dialogs = () => import('./dialogs.ts');
const memory = () => import('./memory.ts');

export const Bottom = later(async () => (await import('../panels/bottom/Bottom.tsx')).Bottom);
export const Breakpoints = later(async () => (await below()).Breakpoints);
export const ChangePanel = later(async () => (await below()).ChangePanel);
export const DescriptorsPanel = later(async () => (await below()).DescriptorsPanel);
export const EnginePanel = later(async () => (await import('../panels/engine/EnginePanel.tsx')).EnginePanel);
export const ExitsPanel = later(async () => (await import('../panels/exits/ExitsPanel.tsx')).ExitsPanel);
export const Happened = later(async () => (await import('../panels/happened/Happened.tsx')).Happened);
export const ImageFacts = later(async () => (await below()).ImageFacts);
export const MachineFacts = later(async () => (await below()).MachineFacts);
export const MemoryBar = later(async () => (await memory()).MemoryBar);
export const MemoryPanel = later(async () => (await memory()).MemoryPanel);
export const ModeDialog = later(async () => (await dialogs()).ModeDialog);
export const OpenDialog = later(async () => (await dialogs()).OpenDialog);
export const Palette = later(async () => (await import('../palette/Palette.tsx')).Palette);
export const SafeBanner = later(async () => (await dialogs()).SafeBanner);
export const SegmentsPanel = later(async () => (await below()).SegmentsPanel);
export const Shortcuts = later(async () => (await dialogs()).Shortcuts);
export const TablesPanel = later(async () => (await below()).TablesPanel);
export const TimelinePanel = later(async () => (await import('../panels/timeline/TimelinePanel.tsx')).TimelinePanel);
export const Tour = later(async () => (await import('./tour/Tour.tsx')).Tour);
export const UnitsPanel = later(async () => (await below()).UnitsPanel);
export const UntilMenu = later(async () => (await import('./UntilMenu.tsx')).UntilMenu);
export const VerbsPanel = later(async () => (await import('../panels/verbs/VerbsPanel.tsx')).VerbsPanel);
export const VmcsPanel = later(async () => (await below()).VmcsPanel);
export const WalkPanel = later(async () => (await below()).WalkPanel);
