/** Memory, and its tools. */
export { MemoryBar } from '../panels/memory/MemoryBar.tsx';
export { MemoryPanel } from '../panels/memory/MemoryPanel.tsx';
