// A page that the server renders, and that computes again in the browser.
'use client'
import { useEffect } from 'react'
import { compute } from '../../inline.mjs'

export default function Page() {
  useEffect(() => {
    globalThis.compute = compute
  })
  return <main>{JSON.stringify(compute())}</main>
}
