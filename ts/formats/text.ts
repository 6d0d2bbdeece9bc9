/** UTF-8, also where there is no TextDecoder: AudioWorklets have none. */

let decoder: { decode(bytes: Uint8Array): string } | undefined

/** The text of `bytes`. @throws when they are no UTF-8 */
export function utf8(bytes: Uint8Array): string {
  if (typeof TextDecoder === 'function') {
    decoder ??= new TextDecoder('utf-8', { fatal: true })
    return decoder.decode(bytes)
  }
  let escaped = ''
  for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, '0')}`
  return decodeURIComponent(escaped)
}

/** The text of names: what is no UTF-8 keeps its bytes as characters, and names nothing. */
export function nameOf(bytes: Uint8Array): string {
  try {
    return utf8(bytes)
  } catch {
    let text = ''
    for (const byte of bytes) text += String.fromCharCode(byte)
    return text
  }
}
