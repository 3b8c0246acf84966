// What the gateway answers over HTTP. Everything needs the X-Internal-Secret header.
import { createHash, timingSafeEqual } from 'node:crypto'
import { Refused, serve } from '../shared/http.mjs'

const PHONE = /^\d{7,15}$/
const digest = text => createHash('sha256').update(String(text)).digest()

export function routes(gateway, secret) {
  const wanted = digest(secret)
  const guarded = handler => request => {
    if (!timingSafeEqual(digest(request.headers['x-internal-secret'] ?? ''), wanted)) {
      throw new Refused(401, 'unauthorized')
    }
    return handler(request)
  }
  const onError = error => gateway.logger.error({ err: error }, 'request failed')
  const table = { ...tenants(gateway), ...lab(gateway) }
  return serve(Object.fromEntries(Object.entries(table).map(([key, handler]) => [key, guarded(handler)])), { onError })
}

function tenants(gateway) {
  const on = act => async ({ params, body }) => {
    const session = gateway.session(params.tenant)
    gateway.logger.info({ companyId: session.company, act: act.name }, 'asked')
    return { success: true, ...(await act(session, body)) }
  }
  return {
    'GET /whatsapp/status': async () => ({ sessions: await allStatuses(gateway) }),
    'GET /whatsapp/:tenant/status': ({ params }) => gateway.session(params.tenant).status(),
    'GET /whatsapp/:tenant/qr': ({ params }) => ({ qr: gateway.session(params.tenant).qr.current }),
    'POST /whatsapp/:tenant/start': on(start),
    'POST /whatsapp/:tenant/stop': on(stop),
    'POST /whatsapp/:tenant/reset': on(reset),
    'POST /whatsapp/:tenant/pairing-code': on(pairingCode)
  }
}

async function allStatuses(gateway) {
  const sessions = [...gateway.sessions.values()]
  return Promise.all(sessions.map(async s => ({ tenant: `business_${s.company}`, ...(await s.status()) })))
}

const start = (session, { forceRelink }) => (forceRelink === true ? session.relink() : session.start())
const stop = session => session.stop()
const reset = session => session.relink()

async function pairingCode(session, { phoneNumber }) {
  if (!PHONE.test(phoneNumber ?? '')) throw new Refused(400, 'phoneNumber must be 7 to 15 digits')
  return { code: await session.pairingCode(phoneNumber) }
}

/** What only tests ask for. */
function lab(gateway) {
  return {
    'POST /lab/:tenant/send': ({ params, body }) => send(gateway.session(params.tenant), body),
    'GET /lab/:tenant/received': ({ params }) => ({ messages: gateway.session(params.tenant).received }),
    'POST /lab/:tenant/policy': ({ params, body }) => void Object.assign(gateway.session(params.tenant).policy, body)
  }
}

async function send(session, { to, text }) {
  if (!session.open) throw new Refused(409, 'this session is not open')
  const sent = await session.socket.sendMessage(to, { text })
  return { id: sent.key.id }
}
