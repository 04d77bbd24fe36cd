// Sizes as people type them. Pure.
const gib = 1024 ** 3;
const sector = 512;

/** A number, with a dot or a comma; what is none, or not above 0, is 0. */
export function positive(text: string): number {
  const value = Number(text.trim().replace(',', '.'));
  return Number.isFinite(value) && value > 0 ? value : 0;
}

/** Bytes of a disk of this many GiB, in whole sectors. */
export const bytesOfGib = (text: string): number => Math.round((positive(text) * gib) / sector) * sector;
