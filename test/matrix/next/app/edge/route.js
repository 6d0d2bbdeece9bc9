import { compute } from '../../../inline.mjs'

export const runtime = 'edge'
export const GET = () => Response.json(compute())
