// Nothing here outlives whoever started it, however that one ended.
import { fstatSync } from 'node:fs'

/** End when the other end of standard input is closed, if that is a pipe or a socket. */
export function endWithParent() {
  const stdin = fstatSync(0)
  if (stdin.isFIFO() || stdin.isSocket()) process.stdin.on('end', () => process.exit(0)).resume()
}
