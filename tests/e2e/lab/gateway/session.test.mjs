// What real Baileys and the stand-in WhatsApp never show: a disk that refuses, a code that comes late, a QR that ages.
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { QrLock } from './qr.mjs'
import { Session } from './session.mjs'

const PHONE = '4915100000001'
const LINKED = { account: {}, me: { id: `${PHONE}:1@s.whatsapp.net` } }

/** A session over a Baileys that does what a test says; `asked` are the phones that a code was asked for. */
async function world({ creds = {}, save = async () => {}, codeMs = 1_000, policy = {} } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'session-'))
  const [sockets, errors, asked] = [[], [], []]
  const gateway = {
    policy, codeMs,
    B: { useMultiFileAuthState: async () => ({ state: { creds, keys: {} }, saveCreds: save }) },
    connect: () => sockets[sockets.push(new Socket(asked)) - 1]
  }
  const logger = { info() {}, warn() {}, error: (_, what) => errors.push(what) }
  return { session: new Session(gateway, '1', folder, logger), folder, sockets, errors, asked }
}

class Socket {
  constructor(asked) {
    Object.assign(this, { ev: new EventEmitter(), asked })
  }

  says(update) {
    this.ev.emit('connection.update', update)
  }

  async requestPairingCode(phone) {
    this.asked.push(phone)
    return 'ABCD1234'
  }

  async end() {}
}

async function until(holds) {
  while (!holds()) await new Promise(setImmediate)
}

test('a socket that is open over a login that is not paired is not connected', async () => {
  const { session, sockets } = await world()
  await session.start()
  sockets[0].says({ connection: 'open' })
  const { connected, authPaired, hasSocket, sessionState } = await session.status()
  assert.deepEqual([connected, authPaired, hasSocket, sessionState], [false, false, true, 'connected'])
})

test('one that is open over a paired login is', async () => {
  const { session, sockets } = await world({ creds: LINKED })
  await session.start()
  sockets[0].says({ connection: 'open' })
  assert.equal((await session.status()).connected, true)
})

test('whoever asks for a new login while the QR of one is out gets that QR, for as long as it is locked', async () => {
  const { session, sockets } = await world()
  let now = 0
  session.qr = new QrLock(() => now)
  await session.start()
  sockets[0].says({ qr: '2@one' })
  now = 59_999
  await session.relink()
  assert.deepEqual([sockets.length, session.qr.current], [1, '2@one'])
  now = 60_000
  assert.equal(session.qr.current, null)
  await session.relink()
  assert.equal(sockets.length, 2)
})

test('half a login is no fresh one, whatever QR is out', async () => {
  const { session, sockets } = await world({ creds: { me: { id: `${PHONE}@s.whatsapp.net` } } })
  await session.start()
  sockets[0].says({ qr: '2@one' })
  await session.relink()
  assert.equal(sockets.length, 2)
})

test('a code that does not come in time is given up, with whatever half a login it left', async () => {
  const { session, folder, sockets, asked } = await world({ codeMs: 30 })
  const late = assert.rejects(session.pairingCode(PHONE), { status: 504 })
  await assert.rejects(session.pairingCode(PHONE), { status: 409 })
  await until(() => sockets.length)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'creds.json'), '{"me":{}}')
  await late
  sockets[0].says({ qr: '2@late' })
  await new Promise(setImmediate)
  assert.deepEqual(asked, [])
  await assert.rejects(readFile(join(folder, 'creds.json')), { code: 'ENOENT' })
  assert.equal((await session.status()).sessionState, 'not_started')
})

test('after one that failed the next may be asked for at once', async () => {
  const { session, sockets, asked } = await world()
  const first = assert.rejects(session.pairingCode(PHONE), { status: 502 })
  await until(() => sockets[0]?.ev.listenerCount('connection.update') > 1)
  sockets[0].says({ connection: 'close' })
  await first
  const second = session.pairingCode(PHONE)
  await until(() => sockets[1]?.ev.listenerCount('connection.update') > 1)
  sockets[1].says({ qr: '2@x' })
  assert.equal(await second, 'ABCD1234')
  assert.deepEqual(asked, [PHONE])
})

test('a login that cannot be saved is logged, and ends neither the process nor a stop', async () => {
  const full = async () => { throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }) }
  const { session, sockets, errors } = await world({ save: full })
  await session.start()
  sockets[0].ev.emit('creds.update')
  await session.stop()
  assert.deepEqual(errors, ['the login could not be saved'])
})

test('a folder that cannot be opened again is logged, and ends the process not either', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { session, sockets, errors } = await world()
  await session.start()
  session.gateway.B.useMultiFileAuthState = async () => { throw new Error('not a directory') }
  sockets[0].says({ connection: 'close', lastDisconnect: { error: { output: { statusCode: 503 } } } })
  await until(() => session.timer)
  t.mock.timers.tick(1_000)
  await until(() => errors.length)
  assert.deepEqual(errors, ['opening failed'])
})
