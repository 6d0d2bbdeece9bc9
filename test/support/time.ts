/** Milliseconds of processor time that this process took since `start`: not more on a busy machine, as the clock's are. */
export function milliseconds(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}
