import { isMap } from 'yaml'
import type { z } from 'zod'
import type { Written } from './checks/apps.ts'
import type { FileContent } from './files.ts'
import { readPlainData } from './plain.ts'
import type { Problem } from './problem.ts'
import { organization } from './schema/organization.ts'
import { portico } from './schema/portico.ts'
import { laterKeys, shapeOf } from './schema/shape.ts'
import type { Shape } from './schema/shape.ts'
import { keyText, missingSource, parseSource, pathText, placesIn } from './source.ts'
import type { Path, Source } from './source.ts'
import { walk } from './walk.ts'
import type { Walked } from './walk.ts'

/** One file, read and judged by itself. Kept from load to load: no tree, which is many times the size of its text. */
export interface Part<S extends z.ZodType> extends Walked<z.output<S>> {
  /** The whole, parsed by the schema itself; undefined when there are problems. */
  readonly settings: z.output<S> | undefined
}

export type PorticoPart = Part<typeof portico> & { readonly written: Written }
export type OrganizationPart = Part<typeof organization>

const porticoShape = shapeOf(portico)
const organizationShape = shapeOf(organization)

const sourceOf = (file: string, content: FileContent): Source =>
  content.text === undefined ? missingSource(file, content.message, content.remedy) : parseSource(file, content.text)

const readPart = <S extends z.ZodType>(source: Source, shape: Shape & { readonly schema: S }): Part<S> => {
  const walked = walk(source, shape)
  const parsed = walked.problems.length === 0 ? shape.schema.safeParse(walked.draft) : undefined
  const disagreement = parsed?.error?.issues.map((issue): Problem => ({
    ...source.at(0), path: pathText(issue.path.filter(part => typeof part !== 'symbol')), message: issue.message, remedy: 'see docs/configuration.md', severity: 'problem'
  }))
  return { ...walked, problems: disagreement ?? walked.problems, settings: parsed?.data }
}

/** Every path of keys below a node. */
const writtenKeys = (node: unknown, path: Path = []): string[] => !isMap(node)
  ? []
  : node.items.flatMap(({ key, value }) => {
    const at = [...path, keyText(key) ?? '?']
    return [pathText(at), ...writtenKeys(value, at)]
  })

const has = (value: unknown, path: Path): boolean => path.reduce<unknown>((found, part) =>
  typeof found === 'object' && found !== null ? new Map<string, unknown>(Object.entries(found)).get(String(part)) : undefined, value) !== undefined

/** The main file. */
export const readPorticoPart = (file: string, content: FileContent): PorticoPart => {
  const source = sourceOf(file, content)
  const part = readPart(source, porticoShape)
  const keys = new Set(writtenKeys(source.root))
  return {
    ...part,
    written: {
      has: path => keys.has(pathText(path)) || has(part.draft, path),
      hasBelow: path => [...keys].some(key => key.startsWith(`${pathText(path)}.`))
    }
  }
}

/** Keys at which the walk may have something to say of what the schema accepts. */
const later = laterKeys(organizationShape)

/**
 * A file with nothing wrong in it, read in a third of the time: there is nothing to be said of its places but where
 * its connections stand. Undefined for whatever the walk must look at.
 */
const readRight = (file: string, text: string): OrganizationPart | undefined => {
  const plain = readPlainData(text)
  if (plain === undefined || plain.keys.some(({ key }) => later.has(key))) return undefined
  const { success, data: settings } = organization.safeParse(plain.root)
  if (!success) return undefined
  const at = placesIn(file, plain.lines)
  const entries = plain.keys.filter(({ mapping }) => mapping === plain.root.connections).map(({ key, from }) => [pathText(['connections', key]), at(from)] as const)
  return { settings, draft: settings, problems: [], entries: new Map(entries) }
}

/** An organization's file. Plain data, so that another thread may do it. */
export const readOrganizationPart = (file: string, content: FileContent): OrganizationPart => {
  const right = content.text === undefined ? undefined : readRight(file, content.text)
  if (right !== undefined) return right
  const part = readPart(sourceOf(file, content), organizationShape)
  // The same but for its type: one of the two is enough to keep.
  return part.settings === undefined ? part : { ...part, draft: part.settings }
}
