// An AudioWorklet that has the package inside.
import { compute } from './inline.mjs'
import { register } from './register.mjs'

register(compute)
