// Through `import`, with nothing given; prints the answers. Node, Deno and Bun run it.
import * as lib from 'layer-rnn'
import { loadModelSync } from 'layer-rnn/keras'
import { answers } from './answers.mjs'
import file from './model.mjs'

console.log(JSON.stringify(answers(lib, loadModelSync, file)))
