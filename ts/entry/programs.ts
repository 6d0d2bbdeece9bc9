/** Installs the printing of programs, which pages with Keras's files alone need not carry. */
import { install } from '../installed.js'
import { printModel } from '../models/print.js'

install({ printModel })
