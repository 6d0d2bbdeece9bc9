/** Installs what `layer-rnn/infer` has not. */
import { orthogonalDraws } from '../initializers/orthogonal.js'
import { randomDraws } from '../initializers/random.js'
import { install } from '../installed.js'
import { readGraph, writeGraph } from '../models/config.js'
import { printModel } from '../models/print.js'
import { summarize } from '../models/summary.js'
import { dropout } from '../ops/random.js'

install({
  printModel,
  summarize,
  readGraph,
  writeGraph,
  dropout,
  draws: { ...randomDraws, ...orthogonalDraws },
})
