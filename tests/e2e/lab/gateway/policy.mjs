// What this gateway does by itself when a connection closes, as most gateways do.
const DEAD = new Set([401, 403])
const REPLACED = 440
const HANDS_OFF = new Set([...DEAD, 402, 405, 406, 411, REPLACED])
const RESTART = 515
const FIRST_MS = 1_000
const LONGEST_MS = 5_000

export class Policy {
  constructor({ reconnects = true, wipesDead = false, fightsBack = false } = {}) {
    Object.assign(this, { reconnects, wipesDead, fightsBack, failures: 0 })
  }

  opened() {
    this.failures = 0
  }

  /** Milliseconds until the next attempt, null for none. A restart that WhatsApp asks for is always followed. */
  pauseAfter(code) {
    if (code === RESTART) return 0
    const fights = code === REPLACED && this.fightsBack
    if (!this.reconnects || (HANDS_OFF.has(code) && !fights)) return null
    return Math.min(LONGEST_MS, FIRST_MS * 2 ** this.failures++)
  }

  wipes(code) {
    return this.wipesDead && DEAD.has(code)
  }
}
