/** Reads what the size report needs of a WebAssembly file: function sizes, their names, the data. */
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

  const sizes = []
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
        const length = unsigned()
        sizes.push(length)
        at += length
      }
    } else if (id === 11) {
      data = bytes.subarray(at, end)
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
  const functions = sizes.map((size, i) => ({ name: demangle(names.get(imported + i) ?? `#${i}`), size }))
  return { functions: functions.sort((a, b) => b.size - a.size), data }
}

/** The identifiers of a mangled name, in order: `_RNvNtCsgX_4core3fmt5write` → `core::fmt::write`. */
function demangle(name) {
  if (!name.startsWith('_R')) return name
  const parts = []
  for (let at = 2; at < name.length; ) {
    const rest = name.slice(at)
    const hash = /^[sBGL][0-9A-Za-z]*_/.exec(rest) // what tells equal names apart, references back, lifetimes
    const word = /^(\d+)_?/.exec(rest)
    if (word) parts.push(rest.slice(word[0].length, word[0].length + Number(word[1])))
    at += word ? word[0].length + Number(word[1]) : (hash?.[0].length ?? 1)
  }
  return parts.filter(part => part !== '').join('::')
}

/** Functions that exist to report panics or to format their messages. */
export const isPanic = name =>
  /core::fmt|core::panicking|4core3fmt|4core9panicking|unwrap_failed|expect_failed|_fail(ed)?$|rust_panic|handle_error|capacity_overflow/.test(
    name,
  )

/** Readable runs of at least eight characters in the data: messages and file names. */
export function texts(data) {
  return (
    Buffer.from(data)
      .toString('latin1')
      .match(/[\x20-\x7e\n]{8,}/g) ?? []
  )
}
