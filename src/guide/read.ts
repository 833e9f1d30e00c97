import { basename, dirname, join, resolve } from 'node:path'
import { createFiles, type Files } from '../config/files.ts'
import type { Problem } from '../config/problem.ts'
import { organization, type OrganizationSettings } from '../config/schema/organization.ts'
import { portico, type PorticoSettings } from '../config/schema/portico.ts'
import { shapeOf } from '../config/schema/shape.ts'
import { missingSource, parseSource, type Source } from '../config/source.ts'
import { walk, type Draft } from '../config/walk.ts'

export type OrganizationDraft = Draft<OrganizationSettings>
export type ConnectionDraft = NonNullable<NonNullable<OrganizationDraft['connections']>[string]>

/** What is written about one connection, as far as it makes sense. */
export interface Written {
  readonly portico: Draft<PorticoSettings>
  readonly organizationId: string
  readonly organization: OrganizationDraft
  readonly connection: ConnectionDraft
}

/** Either what was found, or why not: what is wrong with the files, and which connections there are. */
export type Reading =
  | { readonly written: Written }
  | { readonly written: undefined, readonly problems: readonly Problem[], readonly known: readonly string[] }

const limit = 1024 * 1024

const sourceOf = async (files: Files, file: string): Promise<Source> => {
  const content = await files.read(file, limit)
  return content.text === undefined ? missingSource(file, content.message, content.remedy) : parseSource(file, content.text)
}

/**
 * Reads what the configuration says of one connection, and of it alone: a guide is written before the
 * client id and the secret are there, so what is missing or wrong beside it is no obstacle, and no
 * secret is read. `main` is absolute. Never throws for what stands in the files.
 */
export const readConnection = async (main: string, id: string): Promise<Reading> => {
  const files = createFiles()
  const { draft: settings, problems } = walk(await sourceOf(files, main), shapeOf(portico))
  if (settings?.auth_url === undefined) return { written: undefined, problems, known: [] }
  const folder = resolve(dirname(main), settings.organizations ?? './organizations')
  const shape = shapeOf(organization)
  const known: string[] = []
  const broken: Problem[] = []
  for (const name of await files.list(folder) ?? []) {
    if (!name.endsWith('.yaml') || name.startsWith('.')) continue
    const source = await sourceOf(files, join(folder, name))
    const part = walk(source, shape)
    const connection = part.draft?.connections?.[id]
    if (connection?.connector !== undefined && part.draft !== undefined) {
      return { written: { portico: settings, organizationId: basename(name, '.yaml'), organization: part.draft, connection } }
    }
    known.push(...Object.keys(part.draft?.connections ?? {}))
    if (part.draft === undefined || Object.hasOwn(part.draft.connections ?? {}, id)) broken.push(...part.problems)
  }
  return { written: undefined, problems: broken, known: known.filter(other => other !== id) }
}
