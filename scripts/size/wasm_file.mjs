/** Reads a WebAssembly file: the functions with their names, largest first, and the data. */
export function readWasm(bytes) {
  let at = 8 // magic and version
  const unsigned = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
  }
  const text = () => {
    const length = unsigned()
    at += length
    return Buffer.from(bytes.subarray(at - length, at)).toString()
  }
  const limits = () => {
    const flags = unsigned()
    unsigned()
    if (flags & 1) unsigned()
  }
  const skipImport = [unsigned, () => [at++, limits()], limits, () => [at++, at++]] // function, table, memory, global

  const bodies = []
  const segments = []
  const names = new Map()
  let imported = 0
  let data = bytes.subarray(0, 0)
  while (at < bytes.length) {
    const id = bytes[at++]
    const size = unsigned()
    const end = at + size
    if (id === 2) {
      for (let left = unsigned(); left > 0; left--) {
        text()
        text()
        const kind = bytes[at++]
        if (kind === 0) imported++
        skipImport[kind]()
      }
    } else if (id === 10) {
      for (let left = unsigned(); left > 0; left--) {
        const size = unsigned()
        bodies.push({ start: at, size })
        at += size
      }
    } else if (id === 11) {
      data = bytes.subarray(at, end)
      for (let left = unsigned(); left > 0; left--) {
        at += 2 // of the only memory; i32.const
        const address = unsigned()
        at++ // end
        const size = unsigned()
        segments.push({ address, start: at, size })
        at += size
      }
    } else if (id === 0 && text() === 'name') {
      while (at < end) {
        const part = bytes[at++]
        const length = unsigned()
        const partEnd = at + length
        if (part === 1) for (let left = unsigned(); left > 0; left--) names.set(unsigned(), text())
        at = partEnd
      }
    }
    at = end
  }
  const functions = bodies.map((body, i) => ({ name: plain(names.get(imported + i) ?? `#${i}`), ...body }))
  return { functions: functions.sort((a, b) => b.size - a.size), data, segments }
}

/** A name without the hashes of crates. */
const plain = name => name.replace(/\[[0-9a-f]{16}\]/g, '')

/** Functions that Rust calls to panic: they never return. */
export const diverges = name =>
  /::panicking::|_fail(ed)?$|alloc_error|capacity_overflow|raw_vec::handle_error/.test(name)

/** Functions that exist to report panics or to format their messages. */
export const isPanic = name => diverges(name) || name.includes('core::fmt')

/** Readable runs of at least eight characters in the data: messages and file names. */
export function texts(data) {
  return (
    Buffer.from(data)
      .toString('latin1')
      .match(/[\x20-\x7e\n]{8,}/g) ?? []
  )
}
