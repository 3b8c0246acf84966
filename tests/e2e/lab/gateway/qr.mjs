// One QR at a time for each company: whoever asks while it is out gets the same.
const LOCK_MS = 60_000

export class QrLock {
  constructor(now = Date.now) {
    this.now = now
    this.release()
  }

  /** Baileys made a new one; the first lives 60 s, those after it 20 s. */
  take(text) {
    this.text = text
    this.takenAt = this.now()
  }

  release() {
    this.text = null
    this.takenAt = -Infinity
  }

  get current() {
    return this.now() - this.takenAt < LOCK_MS ? this.text : null
  }
}
