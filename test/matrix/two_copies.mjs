// A page with two copies of the package, a script's and a module's: both compute, and neither takes the other's tensors.
import * as lib from 'layer-rnn'
import { loadModelSync } from 'layer-rnn/keras'
import { tell } from './tell.mjs'

const { layerRnn, matrixAnswers } = globalThis

tell(() => {
  const [own, others] = [
    [lib, loadModelSync],
    [layerRnn, layerRnn.loadModelSync],
  ].map(([copy, load]) => matrixAnswers.answers(copy, load, matrixAnswers.file))
  if (JSON.stringify(own) !== JSON.stringify(others)) throw new Error('the copies have other answers')
  let error
  try {
    lib.ops.add(layerRnn.tensor([1]), 1)
  } catch (thrown) {
    error = thrown
  }
  if (!(error instanceof lib.LayerRnnError)) throw new Error(`the other's tensor: ${error}`)
  return own
})
