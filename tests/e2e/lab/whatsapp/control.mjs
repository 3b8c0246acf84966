// What tests (and people) tell the stand-in to do, over HTTP.
import { Refused, serve } from '../shared/http.mjs'
import * as delivery from './delivery.mjs'
import * as pairing from './pairing.mjs'
import * as troubles from './troubles.mjs'

export function control(whatsapp) {
  const online = phone => {
    const device = whatsapp.account(phone).online
    if (!device) throw new Refused(409, 'no client of this phone is connected')
    return device
  }
  return serve({
    'POST /scan': ({ body }) => pairing.scan(whatsapp, body),
    'POST /code': ({ body }) => pairing.enterCode(whatsapp, body),
    'POST /stream-error': ({ body }) => streamError(whatsapp, online, body),
    'POST /drop': ({ body }) => troubles.drop(online(body.phone)),
    'POST /silence': ({ body }) => troubles.silence(online(body.phone)),
    'POST /refuse': ({ body }) => void (whatsapp.account(body.phone).refusal = body.reason ?? null),
    'POST /qr-error': ({ body }) => qrError(whatsapp, body),
    'POST /meet': ({ body }) => delivery.meet(whatsapp, body),
    'POST /send': ({ body }) => delivery.send(whatsapp, body),
    'POST /group-send': ({ body }) => delivery.sendToGroup(whatsapp, body),
    'POST /contact': ({ body }) => set(whatsapp.contact(body.number), body),
    'POST /group': ({ body }) => gather(whatsapp, body),
    'POST /pre-keys': ({ body }) => leave(online(body.phone), body.left),
    'GET /account/:phone': ({ params }) => accountState(whatsapp.account(params.phone)),
    'GET /contact/:number': ({ params }) => whatsapp.contact(params.number).state
  }, { onError: error => whatsapp.log('error', { error: error.stack }) })
}

function streamError(whatsapp, online, { phone, kind }) {
  if (kind === 'device_removed') return troubles.removeDevice(whatsapp.account(phone))
  return troubles.streamError(online(phone).connection, kind)
}

/** A scan that fails: the client that shows this QR (without one, each that shows any) is hung up on with this code. */
function qrError(whatsapp, { kind, qr }) {
  const unpaired = [...whatsapp.connections].filter(connection => connection.registration)
  const waiting = qr === undefined ? unpaired : [pairing.offeredBy(whatsapp, qr)]
  waiting.forEach(connection => troubles.streamError(connection, kind))
  return { ended: waiting.length }
}

function set(contact, { number: _number, ...wanted }) {
  for (const [name, value] of Object.entries(wanted)) {
    if (!['showsLid', 'addressing', 'answersRetries'].includes(name)) throw new Refused(400, `a contact has no ${name}`)
    contact[name] = value
  }
  return contact.state
}

function gather(whatsapp, { id, members, addressing }) {
  const group = whatsapp.group(id)
  members.forEach(number => group.members.add(whatsapp.contact(number).number))
  group.addressing = addressing ?? group.addressing
}

/** The server forgets all but so many one-time keys, and says so. */
function leave(device, left) {
  while (device.preKeys.size > left) device.takePreKey()
  delivery.runningLow(device)
}

function accountState(account) {
  const { phone, lid, devices } = account
  return { phone, lid, online: Boolean(account.online), devices: [...devices.values()].map(device => device.state) }
}
