// A page with the global script.
import { tell } from './tell.mjs'

tell(() =>
  globalThis.matrixAnswers.answers(
    globalThis.layerRnn,
    globalThis.layerRnn.loadModelSync,
    globalThis.matrixAnswers.file,
  ),
)
