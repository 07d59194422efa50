/** What the machine says in sentences of its own: why something cannot be done, what a descriptor is. They come in English. */
export const said = { said: (sentence: string): string => sentence };
