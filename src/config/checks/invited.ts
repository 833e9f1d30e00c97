import { dirname, resolve } from 'node:path'
import type { Finding, Report } from '../reporter.ts'
import { invitedPath } from '../references.ts'
import { canonicalDomain } from '../schema/domain.ts'
import { createEmailParser } from '../schema/email.ts'
import type { OrganizationDraft } from './tenure.ts'

/** Lines of one list that are each reported; of the others it is said how many they are. */
const mostBad = 20

/** Where an invited address stands. */
type Place = Pick<Finding, 'path' | 'at'>

interface Entry {
  readonly text: string
  readonly place: () => Place
}

/** The addresses of a list as a file, as `invitedLines` has them, each with its place. */
const entriesOf = function * (list: string): Generator<Entry> {
  let line = 0
  for (const whole of list.split('\n')) {
    line++
    const text = whole.trim()
    if (text === '' || text.startsWith('#')) continue
    const at = { line, column: whole.indexOf(text) + 1 }
    yield { text, place: () => ({ path: [], at }) }
  }
}

const domainsOf = ({ settings: { connections } }: OrganizationDraft): Set<string> =>
  new Set(Object.values(connections ?? {}).flatMap(connection => [...connection?.domains ?? [], ...connection?.accepts ?? []])
    .flatMap(domain => domain === undefined ? [] : canonicalDomain(domain) ?? []))

const others = (count: number, what: string): string => count === 1 ? '' : `, and so ${count === 2 ? 'is' : 'are'} ${count - 1} more ${what}`

/** What is wrong with a list: bad lines one by one, what is merely odd once, at its first place, with a count. */
const inspect = (file: string, entries: Iterable<Entry>, domains: ReadonlySet<string>): Finding[] => {
  const findings: Finding[] = []
  const parse = createEmailParser()
  const seen = new Set<string>()
  const repeated = { count: 0, first: '', place: { path: [] } as Place }
  const foreign = { count: 0, first: '', place: { path: [] } as Place }
  let bad = 0
  let next: Place = { path: [] }
  for (const { text, place } of entries) {
    const email = parse(text)
    if (email === undefined) {
      bad++
      if (bad <= mostBad) findings.push({ file, ...place(), message: `'${text.slice(0, 80)}' is not one plain e-mail address`, remedy: 'write local@domain, one a line; a line that begins with # is a comment' })
      else if (bad === mostBad + 1) next = place()
      continue
    }
    const note = seen.has(email.email) ? repeated : domains.size > 0 && !domains.has(email.domain) ? foreign : undefined
    seen.add(email.email)
    if (note !== undefined && note.count++ === 0) Object.assign(note, { first: email.email, place: place() })
  }
  if (bad > mostBad) findings.push({ file, ...next, message: `${bad - mostBad} more lines are no e-mail addresses, this one among them`, remedy: 'write one address a line' })
  if (repeated.count > 0) {
    findings.push({ file, ...repeated.place, severity: 'warning', message: `'${repeated.first}' is listed already${others(repeated.count, 'addresses')}`, remedy: 'keep one of each' })
  }
  if (foreign.count > 0) {
    findings.push({
      file,
      ...foreign.place,
      severity: 'warning',
      message: `'${foreign.first}' is of no domain of the organization${others(foreign.count, 'addresses')}: nobody can sign in with it`,
      remedy: 'correct it, or list its domain under domains or accepts of a connection'
    })
  }
  if (bad === 0 && seen.size === 0) findings.push({ file, path: [], severity: 'warning', message: 'nobody is invited', remedy: 'list their e-mails, or say members: anyone' })
  return findings
}

interface Known {
  readonly list: string
  readonly domains: string
  readonly findings: readonly Finding[]
}

/**
 * Checks invited lists (product R19): `list` is what the invited_file of the organization holds. A file
 * that is the same as at the last load is not looked through again, since it may have a hundred thousand lines.
 */
export const createInvitedCheck = (): (organization: OrganizationDraft, list: string | undefined, report: Report) => void => {
  const known = new Map<string, Known>()
  return (organization, list, report) => {
    const { file, settings: { members } } = organization
    if (typeof members !== 'object') return
    const domains = domainsOf(organization)
    if ('invited' in members && members.invited !== undefined) {
      const entries = members.invited.flatMap((text, index) => text === undefined ? [] : [{ text, place: () => ({ path: ['members', 'invited', index] }) }])
      for (const finding of inspect(file, entries, domains)) report(finding.path.length === 0 ? { ...finding, path: ['members', 'invited'] } : finding)
      return
    }
    if (!('invited_file' in members) || members.invited_file === undefined || list === undefined) return
    const before = known.get(file)
    const names = [...domains].sort().join()
    const findings = before?.list === list && before.domains === names
      ? before.findings
      : inspect(resolve(dirname(file), members.invited_file), entriesOf(list), domains)
    known.set(file, { list, domains: names, findings })
    for (const finding of findings) report(finding.at === undefined ? { ...finding, file, path: invitedPath } : finding)
  }
}
