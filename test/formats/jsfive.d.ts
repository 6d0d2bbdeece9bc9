/** The parts of jsfive that the tests use to check our reader. */
declare module 'jsfive' {
  export class Group {
    readonly keys: string[]
    readonly name: string
    readonly attrs: Record<string, unknown>
    get(name: string): Group | Dataset
  }
  export class File extends Group {
    constructor(bytes: ArrayBuffer)
  }
  export class Dataset {
    readonly name: string
    readonly shape: number[]
    readonly value: number[]
  }
}
