import { mayUse } from '../access/apps.ts'
import type { App, Connection } from '../config/configuration.ts'
import { isLetThrough } from '../config/group-filter.ts'
import type { Member } from '../store/members.ts'
import type { Leg } from './arrival.ts'
import type { Question } from './question.ts'
import type { Step } from './step.ts'

/** What the provider may call a group that goes on as `wanted`. */
const namesAtProvider = ({ groups: { filter, rename } }: Connection, wanted: string): string[] => {
  const renamed = [...rename].filter(([, to]) => to === wanted).map(([from]) => from)
  return [...renamed, ...rename.has(wanted) ? [] : [wanted]].filter(name => isLetThrough(filter, name))
}

const groupsLeg = (connection: Connection, app: App, wanted: ReadonlySet<string>, member: Member | undefined, file: string): Leg => {
  const { id, organization } = connection
  const list = [...wanted].join(', ')
  const spellings = [...new Set([...wanted].flatMap(group => namesAtProvider(connection, group)))]
  if (spellings.length === 0) {
    return {
      steps: [{
        step: 'groups',
        says: `${app.id} wants one of the groups ${list}, and groups of ${id} lets none of them through`,
        decider: { file: connection.location.file, path: ['connections', id, 'groups'], key: true }
      }],
      verdict: {
        outcome: 'refused',
        says: `signs in, and is told that ${app.id} wants a group that they are not in`,
        code: 'PORTICO_GROUP_REQUIRED',
        remedy: `Add the groups to groups.filter of ${id}, or have them renamed to ${list}.`,
        connection: id
      }
    }
  }
  const renamed = spellings.some(name => !wanted.has(name)) ? ` (at the provider: ${spellings.join(', ')})` : ''
  const before = member === undefined
    ? ''
    : `; at the latest sign-in the groups were ${member.groups.length === 0 ? 'none' : member.groups.join(', ')}, which ${member.groups.some(group => wanted.has(group)) ? 'would do' : 'would not do'}`
  return {
    steps: [{
      step: 'groups',
      says: `${app.id} wants one of the groups ${list}${renamed}, which only the provider knows: without one, PORTICO_GROUP_REQUIRED${before}`,
      decider: { file, path: ['apps', app.id, 'groups', organization.id], key: true }
    }]
  }
}

/** Whether a member of the connection's organization may use the app; groups are known at the sign-in only. `file` is the main one. */
export const permit = ({ target: { place } }: Question, connection: Connection, member: Member | undefined, file: string): Leg => {
  if (place === undefined) return { steps: [] }
  const { app } = place
  const { organization, location } = connection
  const decider = { file: location.file, path: ['apps'], key: true }
  if (!mayUse(organization, app, undefined)) {
    return {
      steps: [{ step: 'app', says: `${organization.id} has ${[...organization.apps ?? []].join(', ')}, and not ${app.id}`, decider }],
      verdict: {
        outcome: 'refused',
        says: `signs in, and is told that ${app.id} is not open to ${organization.name}`,
        code: 'PORTICO_APP_NOT_ALLOWED',
        remedy: `Add ${app.id} to apps of ${organization.id}.`,
        connection: connection.id
      }
    }
  }
  const says = organization.apps === undefined ? `${organization.id} has all apps, so ${app.id} too` : `${organization.id} has ${app.id}`
  const step: Step = { step: 'app', says, decider: organization.apps === undefined ? decider : { ...decider, item: text => text === app.id } }
  const wanted = app.groups.get(organization.id)
  if (wanted === undefined) return { steps: [step] }
  const groups = groupsLeg(connection, app, wanted, member, file)
  return { ...groups, steps: [step, ...groups.steps] }
}
