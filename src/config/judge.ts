import { createClock } from './checks/clock.ts'
import { checkConnectors } from './checks/connectors.ts'
import { createInvitedCheck } from './checks/invited.ts'
import { createOrganizationCheck } from './checks/organizations.ts'
import { createSamlCheck } from './checks/saml.ts'
import { draftOf, invitedListOf } from './kept.ts'
import type { Judgement, Kept } from './kept.ts'
import type { PorticoPart } from './part.ts'
import type { Contents } from './references.ts'
import type { Finding } from './reporter.ts'
import { pathText } from './source.ts'

/** What is wrong with an organization as if there were no other, beside a main file, at a time in seconds. */
export type Judge = (kept: Kept, main: PorticoPart, now: number) => readonly Finding[]

/** A judge that looks at an organization again when it, the main file, or what a date says has changed. */
export const createJudge = (): Judge => {
  const checkInvited = createInvitedCheck()
  const checkSaml = createSamlCheck()
  let check: { readonly main: PorticoPart, readonly organization: ReturnType<typeof createOrganizationCheck> } | undefined

  const judge = (kept: Kept, main: PorticoPart, now: number): Judgement => {
    const clock = createClock(now)
    const findings: Finding[] = []
    const report = (finding: Finding): void => { findings.push(finding) }
    const organization = draftOf(kept)
    if (organization !== undefined) {
      const contents: Contents = (_, path) => kept.held.values.get(pathText(path))
      if (check?.main !== main) check = { main, organization: createOrganizationCheck(main.draft) }
      check.organization(organization, clock, report)
      checkConnectors(organization, contents, clock, report)
      checkSaml(organization, main.draft?.auth_url, contents, clock, report)
      checkInvited(organization, invitedListOf(kept), report)
    }
    return { main, from: now, until: clock.until(), findings: findings.slice() }
  }

  return (kept, main, now) => {
    const { judgement } = kept
    const holds = judgement?.main === main && judgement.from <= now && now < judgement.until
    kept.judgement = holds ? judgement : judge(kept, main, now)
    return kept.judgement.findings
  }
}
