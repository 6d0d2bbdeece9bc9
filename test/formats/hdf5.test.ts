import * as jsfive from 'jsfive'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ImportError, UnsupportedError } from '../../ts/errors.js'
import { Hdf5Dataset, Hdf5Group, openHdf5 } from '../../ts/formats/hdf5.js'
import { Archive } from '../../ts/formats/zip.js'
import { h5Names, modelFile, modelNames, read } from './files.js'

function ours(group: Hdf5Group, found = new Map<string, Hdf5Dataset>()): Map<string, Hdf5Dataset> {
  for (const name of group.names) {
    const object = group.get(name)
    if (object instanceof Hdf5Dataset) found.set(object.path, object)
    else ours(object, found)
  }
  return found
}

function theirs(group: jsfive.Group, found = new Map<string, jsfive.Dataset>()): Map<string, jsfive.Dataset> {
  for (const name of group.keys) {
    const object = group.get(name)
    if (object instanceof jsfive.Dataset) found.set(object.name.replace(/^\/+/, ''), object)
    else theirs(object, found)
  }
  return found
}

/** Attributes of all groups that hold strings. */
function sameAttributes(mine: Hdf5Group, other: jsfive.Group): void {
  for (const [name, value] of Object.entries(other.attrs)) {
    const strings = (Array.isArray(value) ? value : [value]).map(String)
    assert.equal(mine.strings(name) ?? [], strings, `${mine.path}: ${name}`)
  }
  for (const name of mine.names) {
    const object = mine.get(name)
    if (object instanceof Hdf5Group) sameAttributes(object, other.get(name) as jsfive.Group)
  }
}

const plain = ['tree.h5', ...h5Names.map(name => `../h5/${name}.h5`)]

for (const name of [...modelNames, ...plain]) {
  test(`${name}: what jsfive reads`, () => {
    const bytes = name.endsWith('.h5') ? read(name) : new Archive(modelFile(name)).read('model.weights.h5')
    const mine = ours(openHdf5(bytes))
    const other = theirs(new jsfive.File(bytes.slice().buffer))
    assert.equal([...mine.keys()].sort(), [...other.keys()].sort())
    for (const [path, dataset] of mine) {
      assert.equal([...dataset.shape], [...other.get(path)!.shape], path)
      if (dataset.dtype !== 'float32') continue
      assert.equal([...dataset.data()], other.get(path)!.value, path)
    }
    if (name.startsWith('../h5/')) sameAttributes(openHdf5(bytes), new jsfive.File(bytes.slice().buffer))
  })
}

test('a group with a B-tree of two levels', () => {
  const wide = openHdf5(read('tree.h5')).get('wide') as Hdf5Group
  assert.is(wide.names.length, 400)
  assert.is((wide.get('link_399') as Hdf5Dataset).data().length, 6)
})

test('types and layouts that Keras does not write are named', () => {
  const root = openHdf5(read('tree.h5'), 'tree.h5')
  const data = (name: string) => () => (root.get(name) as Hdf5Dataset).data()
  const refused = (name: string, text: string) =>
    assert.throws(data(name), (e: Error) => e instanceof UnsupportedError && e.message.includes(text))
  refused('double', 'float64')
  refused('count', 'int64')
  refused('big_endian', 'big-endian')
  assert.is(data('empty')().length, 0)
  assert.throws(
    () => root.get('nothing'),
    (e: Error) => e instanceof ImportError && e.path === 'tree.h5/nothing',
  )
})

test('groups that lead into each other end in an error', () => {
  const bytes = read('tree.h5').slice()
  // Every link of the root leads back to the root.
  const view = new DataView(bytes.buffer)
  const root = view.getBigUint64(64, true)
  for (let at = 0; at + 8 < bytes.length; at++) {
    if (view.getUint32(at) !== 0x534e4f44) continue
    const count = view.getUint16(at + 6, true)
    for (let i = 0; i < count; i++) view.setBigUint64(at + 16 + 40 * i, root, true)
  }
  assert.throws(
    () => ours(openHdf5(bytes)),
    (e: Error) => e instanceof ImportError && /again and again/.test(e.message),
  )
})

test('what is no HDF5 file', () => {
  for (const bytes of [
    new Uint8Array(0),
    new Uint8Array(96),
    read('tree.h5').subarray(0, 95),
    read('tree.h5').subarray(0, 5000),
  ]) {
    assert.throws(
      () => openHdf5(bytes),
      (e: Error) => e instanceof ImportError,
    )
  }
})

test.run()
