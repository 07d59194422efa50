/** Words that no first view needs, by their names; in 简体中文 in the file of the same name. */
export { breaks } from './breaks.ts';
export { engine } from './engine.ts';
export { exits } from './exits.ts';
export { happened } from './happened.ts';
export { happening } from './happening.ts';
export { inMode } from './in-mode.ts';
export { keys } from './keys.ts';
export { openDialog } from './open-dialog.ts';
export { tables, translation, walk } from './paging.ts';
export { palette } from './palette.ts';
export { breakpointFields, decoded, descriptors, fields, unitFields, units, vmcs } from './system.ts';
export { timeline } from './timeline.ts';
export { tour } from './tour.ts';
export { verbs } from './verbs.ts';
