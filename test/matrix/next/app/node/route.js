import { compute } from '../../../inline.mjs'

export const dynamic = 'force-dynamic'
export const GET = () => Response.json(compute())
