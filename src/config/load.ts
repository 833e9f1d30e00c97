import { basename, dirname, join, resolve } from 'node:path'
import { isMap } from 'yaml'
import type { z } from 'zod'
import { buildConfiguration } from './build.ts'
import { checkApps } from './checks/apps.ts'
import type { Written } from './checks/apps.ts'
import { checkDangers } from './checks/dangers.ts'
import { checkGateway } from './checks/gateway.ts'
import { createOrganizationCheck } from './checks/organizations.ts'
import type { Configuration } from './configuration.ts'
import { createBreather, createFiles, mapBounded } from './files.ts'
import type { FileContent, Files, Remembered } from './files.ts'
import { compareProblems } from './problem.ts'
import type { Problem } from './problem.ts'
import { organizationReferences, porticoReferences, readReferences } from './references.ts'
import { placeFindings } from './reporter.ts'
import type { Finding } from './reporter.ts'
import { organization } from './schema/organization.ts'
import { portico } from './schema/portico.ts'
import { shapeOf } from './schema/shape.ts'
import type { Shape } from './schema/shape.ts'
import { snakeCaseId } from './schema/values.ts'
import { keyText, missingSource, parseSource, pathText } from './source.ts'
import type { Path } from './source.ts'
import { walk } from './walk.ts'
import type { Walked } from './walk.ts'

export interface LoadOptions {
  /** The main file: `config/portico.yaml`. */
  readonly file: string
  readonly env: NodeJS.ProcessEnv
  /** Seconds since the epoch, for what expires. */
  readonly now?: (() => number) | undefined
}

/** What a load came to: a Configuration, or problems; sorted by place. */
export interface Loaded {
  readonly configuration?: Configuration
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
  /** Every file and folder that was read or looked for. */
  readonly files: readonly string[]
  /** SHA-256 over their names and bytes: the same version, the same outcome. */
  readonly version: string
}

interface Part<S extends z.ZodType> extends Walked<z.output<S>> {
  readonly file: string
  readonly text: string | undefined
  readonly digest: string
  /** The whole, parsed by the schema itself; undefined when there are problems. */
  readonly settings: z.output<S> | undefined
  readonly written: Written
}

const porticoShape = shapeOf(portico)
const organizationShape = shapeOf(organization)
const mainLimit = 1024 * 1024
const organizationLimit = 256 * 1024
const lanes = 16

const readPart = <S extends z.ZodType>(file: string, content: FileContent, shape: Shape & { readonly schema: S }, keepKeys: boolean): Part<S> => {
  const { text, digest } = content
  const source = text === undefined ? missingSource(file, content.message, content.remedy) : parseSource(file, text)
  const walked = walk(source, shape)
  const parsed = walked.problems.length === 0 ? shape.schema.safeParse(walked.draft) : undefined
  const disagreement = parsed?.error?.issues.map((issue): Problem => ({
    ...source.at(0), path: pathText(issue.path.filter(part => typeof part !== 'symbol')), message: issue.message, remedy: 'see docs/configuration.md', severity: 'problem'
  }))
  // Kept from load to load: no tree, which is many times the size of its text.
  const keys = new Set(keepKeys ? writtenKeys(source.root) : [])
  return {
    ...walked,
    problems: disagreement ?? walked.problems,
    file,
    text,
    digest,
    settings: parsed?.data,
    written: {
      has: path => keys.has(pathText(path)) || has(walked.draft, path),
      hasBelow: path => [...keys].some(key => key.startsWith(`${pathText(path)}.`))
    }
  }
}

/** Every path of keys below a node. */
const writtenKeys = (node: unknown, path: Path = []): string[] => !isMap(node)
  ? []
  : node.items.flatMap(({ key, value }) => {
    const at = [...path, keyText(key) ?? '?']
    return [pathText(at), ...writtenKeys(value, at)]
  })

/** Loads again and again; what has not changed since the last time is not parsed again. */
export const createLoader = ({ file, env, now = () => Date.now() / 1000 }: LoadOptions): () => Promise<Loaded> => {
  const main = resolve(file)
  let keptMain: Part<typeof portico> | undefined
  let kept = new Map<string, Part<typeof organization>>()
  const remembered: Remembered = new Map()

  const readMain = async (files: Files): Promise<Part<typeof portico>> => {
    const content = await files.read(main, mainLimit)
    if (keptMain?.digest !== content.digest) keptMain = readPart(main, content, porticoShape, true)
    return keptMain
  }

  const readOrganizations = async (folder: string, files: Files): Promise<{ parts: Part<typeof organization>[], names: readonly string[] | undefined }> => {
    const names = await files.list(folder)
    const parts = await mapBounded((names ?? []).filter(isOrganizationFile), lanes, async name => {
      const path = join(folder, name)
      const content = await files.read(path, organizationLimit)
      const known = kept.get(path)
      return known?.digest === content.digest ? known : readPart(path, content, organizationShape, false)
    })
    kept = new Map(parts.map(part => [part.file, part]))
    return { parts, names }
  }

  return async () => {
    const files = createFiles(remembered)
    const breathe = createBreather()
    const findings: Finding[] = []
    const report = (finding: Finding): void => { findings.push(finding) }
    const mainPart = await readMain(files)
    const settings = mainPart.draft
    const folder = resolve(dirname(main), settings?.organizations ?? './organizations')
    const { parts, names } = await readOrganizations(folder, files)
    if (settings?.organizations !== undefined && parts.length === 0) {
      const message = names === undefined ? `the folder ${folder} is not there` : `the folder ${folder} has no *.yaml file`
      report({ file: main, path: ['organizations'], message, remedy: 'put one YAML file per organization there, or correct the path' })
    }
    for (const name of names ?? []) {
      if (/^[^.].*\.yml$/i.test(name)) report({ file: join(folder, name), path: [], severity: 'warning', message: 'is not read', remedy: `rename it to ${name.replace(/\.yml$/i, '.yaml')}` })
    }

    const references = [
      ...settings === undefined ? [] : porticoReferences(main, settings),
      ...parts.flatMap(part => part.draft === undefined ? [] : organizationReferences(part.file, part.draft))
    ]
    await breathe()
    const contents = await readReferences(references, files, env, report)

    if (settings !== undefined) {
      checkApps(main, settings, mainPart.written, report)
      checkGateway(main, settings, contents, report)
      checkDangers(main, settings, report)
    }
    const checkOrganization = createOrganizationCheck(settings, now(), report)
    for (const part of parts) {
      await breathe()
      const id = idOf(part.file)
      const name = snakeCaseId.safeParse(id)
      if (!name.success) report({ file: part.file, path: [], message: `the file name '${id}' is not an organization's id`, remedy: 'rename the file: lower-case letters, digits and _, beginning with a letter' })
      if (part.draft === undefined) continue
      checkOrganization({ id, file: part.file, settings: part.draft })
      checkDangers(part.file, part.draft, report)
    }

    for (const path of remembered.keys()) if (!files.names.has(path)) remembered.delete(path)
    const textOf = (name: string): string | undefined => name === main ? mainPart.text : kept.get(name)?.text
    const all = [...mainPart.problems, ...parts.flatMap(part => part.problems), ...await placeFindings(findings, textOf, breathe)].sort(compareProblems)
    const problems = all.filter(problem => problem.severity === 'problem')
    const outcome = { problems, warnings: all.filter(problem => problem.severity === 'warning'), files: [...files.names].sort(), version: files.version() }
    if (mainPart.settings === undefined || problems.length > 0) return outcome
    const configuration = await buildConfiguration({
      file: main,
      portico: mainPart.settings,
      organizations: parts.flatMap(part => part.settings === undefined ? [] : [{ id: idOf(part.file), file: part.file, settings: part.settings, entries: part.entries }]),
      contents,
      env,
      version: outcome.version,
      files: outcome.files
    })
    return { ...outcome, configuration }
  }
}

// Names with a dot in front belong to editors and to Kubernetes.
const isOrganizationFile = (name: string): boolean => name.endsWith('.yaml') && !name.startsWith('.')

const idOf = (file: string): string => basename(file, '.yaml')

const has = (value: unknown, path: Path): boolean => path.reduce<unknown>((found, part) =>
  typeof found === 'object' && found !== null ? new Map<string, unknown>(Object.entries(found)).get(String(part)) : undefined, value) !== undefined

/** Reads, checks and builds the configuration once. Never throws for what stands in the files. */
export const loadConfiguration = (options: LoadOptions): Promise<Loaded> => createLoader(options)()
