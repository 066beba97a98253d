/** Reads the items of the SDES in an RTCP compound, with no help of the code under test. Spec: RFC 3550 §6.1, §6.5. */

const SDES = 202;
/** The type of the item that names a source canonically (RFC 3550 §6.5.1). */
export const SDES_CNAME = 1;

/** One item of a source description. */
export interface SdesItem {
  readonly type: number;
  readonly text: string;
}

/** The items of the first chunk of the first SDES; none without one. */
export function sdesItemsOf(compound: Buffer): SdesItem[] {
  for (let at = 0; at + 4 <= compound.length; at += (compound.readUInt16BE(at + 2) + 1) * 4) {
    if (compound[at + 1] === SDES) return itemsAt(compound, at + 8);
  }
  return [];
}

function itemsAt(compound: Buffer, begin: number): SdesItem[] {
  const items: SdesItem[] = [];
  for (let at = begin; compound[at] !== 0 && at + 2 <= compound.length; ) {
    const length = compound[at + 1]!;
    items.push({ type: compound[at]!, text: compound.toString('utf8', at + 2, at + 2 + length) });
    at += 2 + length;
  }
  return items;
}
