/** Installs what `layer-rnn/infer` has not, all but the printing of programs. */
import { orthogonalDraws } from '../initializers/orthogonal.js'
import { randomDraws } from '../initializers/random.js'
import { install } from '../installed.js'
import { writeGraph } from '../models/config.js'
import { summarize } from '../models/summary.js'
import { dropout } from '../ops/random.js'

install({
  summarize,
  writeGraph,
  dropout,
  draws: { ...randomDraws, ...orthogonalDraws },
})
