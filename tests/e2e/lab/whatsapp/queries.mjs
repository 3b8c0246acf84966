// The questions that a client asks, and the answers that keep it going.
import { bigEndian, bytes, child, children, jidParts, node, uint } from './nodes.mjs'
import * as pairing from './pairing.mjs'
import { introduce } from './phone.mjs'

const EMPTY = { privacy: 'privacy', abt: 'props', blocklist: 'list', tctoken: 'tokens' }

/** Answer an `iq` of the client; what is not known gets an empty result, as a ping does. */
export async function answer(server, connection, request) {
  const first = children(request)[0]
  const special = ANSWERS[request.attrs.xmlns]?.(server, connection, request, first)
  const empty = EMPTY[request.attrs.xmlns]
  connection.answer(request, (await special) ?? (empty ? [node(empty)] : undefined))
  if (first?.attrs?.stage === 'companion_finish') pairing.finish(server, connection, first)
  if (connection.device?.uploads.length) await introduce(server, connection.device)
}

const ANSWERS = {
  encrypt: (server, connection, request, first) => encrypt(server, connection, request, first),
  md: (server, connection, _request, first) => devices(server, connection, first),
  usync: (server, _connection, _request, first) => users(server, first),
  'w:g2': (server, connection, request) => groups(server, connection, request),
  'w:sync:app:state': (_server, _connection, _request, first) => appState(first)
}

function encrypt(server, connection, request, first) {
  const device = connection.device
  if (first?.tag === 'count') return [node('count', { value: String(device.preKeys.size) })]
  if (first?.tag === 'digest') return [node('digest')]
  if (first?.tag === 'key') return bundles(server, first)
  if (request.attrs.type === 'set' && child(request, 'list')) uploaded(server, device, child(request, 'list'))
  return undefined
}

function uploaded(server, device, list) {
  const keys = children(list, 'key').map(key => ({ id: uint(child(key, 'id')), value: bytes(child(key, 'value')) }))
  const replaced = device.upload(keys)
  server.log('pre-keys', { count: keys.length, replaced, now: device.preKeys.size })
}

/** Key bundles, for a client that wants to write to somebody, its own phone and devices included. */
function bundles(server, asked) {
  const users = children(asked, 'user').map(user => {
    const keeper = server.keeperOf(user.attrs.jid)
    if (!keeper) return node('user', { jid: user.attrs.jid }, [node('error', { code: '404', text: 'not-found' })])
    return node('user', { jid: user.attrs.jid }, bundleNodes(keeper.bundle()))
  })
  return [node('list', {}, users)]
}

function bundleNodes({ registrationId, identity, signed, preKey }) {
  const key = (tag, id, value, more = []) =>
    node(tag, {}, [node('id', {}, bigEndian(id, 3)), node('value', {}, value), ...more])
  return [
    node('registration', {}, bigEndian(registrationId, 4)),
    node('type', {}, Buffer.from([5])),
    node('identity', {}, identity),
    key('skey', signed.id, signed.value, [node('signature', {}, signed.signature)]),
    ...(preKey ? [key('key', preKey.id, preKey.value)] : [])
  ]
}

function devices(server, connection, first) {
  const stage = first?.attrs?.stage
  if (stage === 'companion_hello') return pairing.hello(server, connection, first)
  if (first?.tag === 'remove-companion-device') {
    server.log('logout', { device: connection.device?.number })
    if (connection.device) connection.device.account.unlink(connection.device)
  }
  return undefined
}

/** Which devices a user has, and under which LID it is known. */
function users(server, usync) {
  const wanted = new Set(children(child(usync, 'query')).map(protocol => protocol.tag))
  const list = children(child(usync, 'list'), 'user').map(({ attrs }) => node('user', { jid: attrs.jid }, [
    ...(wanted.has('devices') ? [deviceList(server, attrs.jid)] : []),
    ...(wanted.has('lid') ? lidOf(server, attrs.jid) : [])
  ]))
  return [node('usync', {}, [node('list', {}, list)])]
}

function deviceList(server, jid) {
  const account = server.accountOf(jid)
  const known = account ? [0, ...account.devices.keys()] : server.contactOf(jid) ? [0] : []
  const entries = known.map(id => node('device', { id: String(id), ...(id ? { 'key-index': String(id) } : {}) }))
  return node('devices', {}, [node('device-list', {}, entries)])
}

function lidOf(server, jid) {
  if (jidParts(jid).server !== 's.whatsapp.net') return []
  const account = server.accountOf(jid)
  const contact = server.contactOf(jid)
  const val = account ? `${account.lid}@lid` : contact?.showsLid ? contact.lidJid : null
  return val ? [node('lid', { val })] : []
}

function groups(server, connection, request) {
  const group = server.groups.get(request.attrs.to)
  if (!group) return [node('error', { code: '404', text: 'item-not-found' })]
  const { account } = connection.device
  const people = [account.self, ...[...group.members].map(number => server.contact(number))]
  const byLid = group.addressing === 'lid'
  const participants = people.map(({ pn, lidJid }) =>
    node('participant', byLid ? { jid: lidJid, phone_number: pn } : { jid: pn, lid: lidJid }))
  const attrs = { id: jidParts(group.id).user, subject: 'Lab', s_t: '1', creation: '1' }
  return [node('group', { ...attrs, addressing_mode: group.addressing }, participants)]
}

/** No collection has any patches. */
function appState(sync) {
  const same = ({ attrs }) => node('collection', { ...attrs, has_more_patches: 'false' })
  return [node('sync', {}, children(sync, 'collection').map(same))]
}
