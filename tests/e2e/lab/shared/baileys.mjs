// Finds Baileys and what it stands on in the folder where npm put them, whichever generation that is.
import { createRequire } from 'node:module'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const NAMES = ['baileys', '@whiskeysockets/baileys']

/** The package's exports, flat, with `folder` and `version` (of the package) beside them. */
export async function loadBaileys(modules) {
  const name = NAMES.find(candidate => existsSync(join(modules, 'node_modules', candidate)))
  if (!name) throw new Error(`no Baileys under ${modules}: run npm ci there`)
  const require = createRequire(join(modules, 'node_modules', 'x.js'))
  const loaded = await importFrom(require, name)
  const entry = pathToFileURL(require.resolve(name)).href
  const version = require(join(modules, 'node_modules', name, 'package.json')).version
  return { ...loaded, makeSocket: loaded.makeWASocket ?? loaded.default, version, entry, require }
}

/** A package by the rules of the folder that `require` belongs to; CommonJS comes flat, too. */
async function importFrom(require, name) {
  const found = await import(pathToFileURL(require.resolve(name)).href)
  const inner = found.default
  return inner && typeof inner === 'object' ? { ...inner, ...found, default: inner.default ?? inner } : { ...found }
}
