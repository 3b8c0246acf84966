// One company's session on real Baileys, as a careful gateway runs it.
import { Refused } from '../shared/http.mjs'
import { paired, phoneOf, storedCreds, wipe } from './folder.mjs'
import { Policy } from './policy.mjs'
import { QrLock } from './qr.mjs'

export class Session {
  constructor(gateway, company, folder, logger) {
    Object.assign(this, { gateway, company, folder, logger, socket: null, creds: null, open: false, code: null })
    this.qr = new QrLock()
    this.policy = new Policy(gateway.policy)
    this.received = []
    this.timer = null
    this.attempt = 0
    this.pairingUntil = 0
    this.saving = Promise.resolve()
  }

  get state() {
    if (!this.socket) return this.timer ? 'connecting' : 'not_started'
    if (this.open) return 'connected'
    return this.qr.current ? 'waiting_qr' : 'connecting'
  }

  /** The login: while it is in use the one in memory, since the file may be half written at any moment. */
  async login() {
    return this.socket ? this.creds : storedCreds(this.folder)
  }

  async status() {
    const authPaired = paired(await this.login())
    return {
      connected: this.open && authPaired,
      authPaired,
      hasSocket: this.socket !== null,
      hasQR: this.qr.current !== null,
      sessionState: this.state,
      lastCode: this.code
    }
  }

  /** Open the session; while it is open, opening, or shows a QR, this changes nothing. */
  async start() {
    if (this.socket) return
    this.cancelTimer()
    const attempt = ++this.attempt
    const { state, saveCreds } = await this.gateway.B.useMultiFileAuthState(this.folder)
    if (attempt !== this.attempt) return
    this.creds = state.creds
    this.socket = this.gateway.connect(state, this.logger)
    this.listen(this.socket, saveCreds)
  }

  listen(socket, saveCreds) {
    socket.ev.on('creds.update', () => (this.saving = this.survived(saveCreds(), 'the login could not be saved')))
    socket.ev.on('messages.upsert', ({ messages }) => this.received.push(...messages.map(told)))
    socket.ev.on('connection.update', update => socket === this.socket && this.updated(update))
  }

  updated({ connection, qr, lastDisconnect }) {
    if (qr) this.qr.take(qr)
    if (connection === 'open') this.opened()
    if (connection === 'close') {
      this.survived(this.closed(lastDisconnect?.error?.output?.statusCode ?? null), 'closing failed')
    }
  }

  /** One company's disk or folder must not end the process, and with it all others. */
  survived(promise, what) {
    return promise.catch(error => this.logger.error({ err: error }, what))
  }

  opened() {
    Object.assign(this, { open: true, code: null, pairingUntil: 0 })
    this.qr.release()
    this.policy.opened()
    this.logger.info('session is open')
  }

  async closed(code) {
    this.forgetSocket()
    this.code = code
    this.logger.warn({ code }, 'session closed')
    if (this.policy.wipes(code)) await wipe(this.folder)
    const pauseMs = this.policy.pauseAfter(code)
    if (pauseMs !== null) this.timer = setTimeout(() => this.survived(this.start(), 'opening failed'), pauseMs)
  }

  forgetSocket() {
    Object.assign(this, { socket: null, open: false })
    this.qr.release()
  }

  cancelTimer() {
    clearTimeout(this.timer)
    this.timer = null
  }

  /** Close the socket, keep the login, and stay closed. */
  async stop() {
    this.cancelTimer()
    this.attempt++
    const { socket } = this
    this.forgetSocket()
    socket?.ev.removeAllListeners('connection.update')
    await socket?.end(undefined)
    await this.saving
  }

  /** Forget the login and ask for a new one; while the QR of a fresh one is out, whoever asks gets that. */
  async relink() {
    if (!this.qr.current || this.creds?.me) await this.startOver()
  }

  async startOver() {
    await this.forget()
    await this.start()
  }

  async forget() {
    await this.stop()
    await wipe(this.folder)
    this.code = null
  }

  /** A code for this phone. The lock around it ends with its timeout, whatever happens. */
  async pairingCode(phone) {
    if (Date.now() < this.pairingUntil) throw new Refused(409, 'a pairing code is being asked for already')
    this.pairingUntil = Date.now() + this.gateway.codeMs
    try {
      const stored = await this.login()
      if (paired(stored) && phoneOf(stored) !== phone) throw new Refused(409, 'the stored login is of another phone')
      if (paired(stored)) throw new Refused(409, 'this company is linked already')
      return await this.codeInTime(phone)
    } finally {
      this.pairingUntil = 0
    }
  }

  /** After a failure a QR that comes late asks for no code any more, and half a login, which is refused, is gone. */
  async codeInTime(phone) {
    try {
      return await within(this.gateway.codeMs, this.freshCode(phone))
    } catch (error) {
      await this.forget()
      throw error.status ? error : new Refused(504, error.message)
    }
  }

  /** A session that shows a QR blocks the request, and half a login is refused by WhatsApp: start from nothing. */
  async freshCode(phone) {
    await this.startOver()
    const { socket } = this
    if (!socket) throw new Refused(504, 'the session was closed meanwhile')
    await new Promise((resolve, reject) => {
      socket.ev.on('connection.update', ({ qr, connection }) => {
        if (qr) resolve()
        if (connection === 'close') reject(new Refused(502, 'the connection closed before a code was given'))
      })
    })
    const code = await socket.requestPairingCode(phone)
    this.qr.release()
    return code
  }
}

async function within(ms, promise) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Refused(504, 'no pairing code in time')), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

function told({ key, message, messageStubParameters }) {
  const text = message?.conversation ?? message?.extendedTextMessage?.text ?? null
  const { id, remoteJid: from, participant = null } = key
  return { id, from, participant, text, failed: messageStubParameters ?? null }
}
