/** The same words in any language: a table of another language has the type of the English one, and the compiler names what it lacks. */
export type Words<T> = T extends string
  ? string
  : T extends (...values: infer V) => string
    ? (...values: V) => string
    : { readonly [K in keyof T]: Words<T[K]> };
