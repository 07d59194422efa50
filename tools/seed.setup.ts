import { configureGlobal } from 'fast-check';

/** Random specs try the same values in every run; SEED=n tries others. What fails prints its seed. */
configureGlobal({ seed: Number(process.env.SEED ?? 1) });
