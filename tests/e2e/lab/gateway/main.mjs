// node main.mjs SETTINGS   (JSON: root, companies, secret, port, whatsapp, modules, ready, …)
//
// A small gateway for several companies in one process. Its address is written to the file `ready`.
import { renameSync, writeFileSync } from 'node:fs'
import { loadBaileys } from '../shared/baileys.mjs'
import { listen } from '../shared/http.mjs'
import { endWithParent } from '../shared/parent.mjs'
import { Gateway } from './gateway.mjs'
import { makeLogger } from './logs.mjs'
import { routes } from './routes.mjs'

const DEFAULTS = { port: 0, keepAliveMs: 30_000, qrMs: undefined, codeMs: 20_000, policy: {} }

function announce(path, value) {
  writeFileSync(`${path}.part`, JSON.stringify(value))
  renameSync(`${path}.part`, path)
}

async function main(text) {
  endWithParent()
  const settings = { ...DEFAULTS, ...JSON.parse(text) }
  const B = await loadBaileys(settings.modules)
  const logger = makeLogger(B.require)
  const gateway = new Gateway(B, settings, logger)
  settings.companies.forEach(company => gateway.add(company))
  const port = await listen(routes(gateway, settings.secret), settings.port)
  logger.info({ port, baileys: B.version }, 'gateway listens')
  await gateway.startAll()
  announce(settings.ready, { url: `http://127.0.0.1:${port}`, baileys: B.version })
}

await main(process.argv[2])
