// A worker for workerd, whose `test` is run by `workerd test`.
import { compute } from './inline.mjs'

export default {
  test() {
    console.log(JSON.stringify(compute()))
  },
}
