// All sessions of one gateway process.
import { join } from 'node:path'
import { Refused } from '../shared/http.mjs'
import { forCompany } from './logs.mjs'
import { Session } from './session.mjs'

export class Gateway {
  constructor(B, settings, logger) {
    const { root, whatsapp, keepAliveMs, qrMs, codeMs, policy } = settings
    Object.assign(this, { B, root, whatsapp, keepAliveMs, qrMs, codeMs, policy, logger })
    this.sessions = new Map()
  }

  add(company) {
    const folder = join(this.root, 'storage', 'whatsapp', `business_${company}`, 'auth')
    this.sessions.set(company, new Session(this, company, folder, forCompany(this.logger, company)))
  }

  /** The session behind the name that the API uses. */
  session(tenant) {
    const found = this.sessions.get(tenant.replace(/^business_/, ''))
    if (!found) throw new Refused(404, 'there is no such tenant')
    return found
  }

  /** Open every session that has a login, as gateways do when they start. */
  async startAll() {
    for (const session of this.sessions.values()) {
      if ((await session.status()).authPaired) await session.start()
    }
  }

  connect({ creds, keys }, logger) {
    const { B } = this
    return B.makeSocket({
      auth: { creds, keys: B.makeCacheableSignalKeyStore(keys, logger) },
      waWebSocketUrl: this.whatsapp,
      logger,
      keepAliveIntervalMs: this.keepAliveMs,
      qrTimeout: this.qrMs,
      ...(B.version.startsWith('6.') ? { shouldSyncHistoryMessage: () => false } : {}), // 6.x would download it
      getMessage: async () => undefined
    })
  }
}
