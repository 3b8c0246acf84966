// The auth folder of a company, as far as the gateway itself looks into it.
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

const LINKED = /^\d+:\d+@s\.whatsapp\.net$/

/** Whether these creds are a login: an account vouched for them, and they name a linked device. */
export const paired = creds => Boolean(creds?.account && LINKED.test(creds.me?.id ?? ''))

export const phoneOf = creds => (paired(creds) ? creds.me.id.split(':')[0] : null)

/** The stored creds; null when there are none or they cannot be read. */
export async function storedCreds(folder) {
  try {
    return JSON.parse(await readFile(join(folder, 'creds.json'), 'utf8'))
  } catch {
    return null
  }
}

export const wipe = folder => rm(folder, { recursive: true, force: true })
