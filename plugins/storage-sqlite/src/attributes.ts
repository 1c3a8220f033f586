import { WarderError, type Attributes, type Filter } from '@warder/contract'

/** Attributes as kept: JSON, which drops nothing but the sign of zero. */
export function encodeAttributes(attributes: Attributes): string {
  return JSON.stringify(attributes)
}

/** @throws WarderError `record-corrupt` when the column does not hold what {@link encodeAttributes} makes. */
export function decodeAttributes(text: string, of: { readonly collection: string; readonly id: string }): Attributes {
  try {
    return JSON.parse(text) as Attributes
  } catch (cause) {
    throw new WarderError('record-corrupt', `The stored attributes of ${of.collection}/${of.id} cannot be read.`, {
      facts: { collection: of.collection, id: of.id, field: 'attributes' },
      cause,
    })
  }
}

/**
 * One index entry for each scalar and each distinct array element: a name and a value as JSON text, in which 1, "1" and
 * true differ and equal numbers are written alike.
 */
export function entriesOf(attributes: Attributes | Filter): string[] {
  const entries = Object.entries(attributes).flatMap(([name, value]) =>
    [value].flat().map(element => JSON.stringify([name, element])),
  )
  return [...new Set(entries)]
}
