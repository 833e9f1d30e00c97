import { ownHosts, type Facts } from './facts.ts'
import { protocolPart, type ProtocolPart } from './protocol.ts'
import type { ProviderGuide } from './provider.ts'
import { entries, list, say, steps, text, value, values, type Page, type Section } from './text.ts'

const intro = (facts: Facts, provider: ProviderGuide): Section => ({
  title: 'What this is about',
  blocks: [
    text(say`People of ${facts.organization} with an address of ${values(facts.domains)} are to sign in to ${facts.apps.length === 0 ? 'our products' : facts.apps.map(({ name }) => name).join(', ')} at your own identity provider (${provider.name}). This page says what to enter there, and what to send back to us.`),
    list(
      say`You need ${provider.needs}.`,
      say`The domains must be yours: everybody who has an address there signs in this way from the agreed date on, and in no other.${facts.accepts.length === 0 ? undefined : say` People with an address of ${values(facts.accepts)} may come too.`}`,
      say`In our files this connection is called ${value(facts.connectionId)}. Name it when you write to us.`
    )
  ]
})

const summary = (facts: Facts, { copy }: ProtocolPart): Section => ({
  title: 'The values, to copy',
  blocks: [entries(
    ...copy,
    facts.loginPages.length === 0 ? undefined : { name: 'Sign-in page of your own', values: facts.loginPages },
    ...facts.apps.map(({ name, links }) => ({ name: `Opens ${name}`, values: links }))
  )]
})

const sendBack = (facts: Facts, provider: ProviderGuide, { sending }: ProtocolPart): Section => ({
  title: 'Send us',
  blocks: [
    entries(
      ...provider.sendBack.map(({ name, values, note }) => ({ name, values, note: values.length === 0 ? note : say`that is what we have: please check` })),
      { name: 'E-mail domains', values: facts.domains, note: say`that is what we have: please check, and add what is missing` }
    ),
    ...sending.before,
    text(provider.expiry),
    ...sending.after
  ]
})

const ownership = ({ records }: Facts): Section => ({
  title: 'Show that the domains are yours',
  blocks: [
    text(say`Add these TXT records to the DNS of your domains. They hold no secret, and may stay there; sign-ins do not wait for them.`),
    entries(...records.map(({ name, value }) => ({ name: 'TXT', values: [name, value] })))
  ]
})

const inspection = (facts: Facts, provider: ProviderGuide): Section => ({
  title: 'Networks that inspect TLS',
  blocks: [
    text(say`If a proxy, firewall or VPN of yours opens TLS connections, browsers may show certificate errors in the middle of signing in. Exempt these hosts from inspection:`),
    list(
      say`ours: ${values(ownHosts(facts))}`,
      provider.hosts.length === 0 ? say`your identity provider's own` : say`your identity provider's: ${values(provider.hosts)}, and whatever else its sign-in pages load`
    ),
    text(say`To find out whether that is it: try without the VPN, or from another network. If it works there, it is. If not, send us the exact text of the browser's message.`)
  ]
})

const testing = (facts: Facts, provider: ProviderGuide): Section => ({
  title: 'Test, then go live',
  blocks: [steps(
    say`When we have your values, we check them without anybody signing in, and send you a link for the test. (On our side: ${value(`portico doctor ${facts.connectionId}`)} and ${value(`portico links --test ${facts.connectionId}`)}.)`,
    say`Open it and sign in as one of your people. Nothing changes by that, and nobody is signed in to anything. The page shows what ${provider.name} said (${values(provider.claims)}), what we made of it, and the verdict.`,
    say`If it is refused, send us the code that begins with PORTICO and the request id: both are on the page.`,
    say`We agree on a date. From then on the link for people is the app's own address${facts.apps.length === 0 ? undefined : say` (${values(facts.apps.flatMap(({ urls }) => urls))})`}: whoever is signed in at your provider already is asked nothing.`,
    say`A forgotten password is yours to reset: there is none on our side.`
  )]
})

/** The configuration page of one connection, for whoever administers the customer's provider (R29). */
export const guidePage = (facts: Facts, provider: ProviderGuide): Page => {
  const protocol = protocolPart(facts, provider)
  return {
    title: `Single sign-on for ${facts.organization}: ${provider.name}`,
    sections: [
      intro(facts, provider), ...provider.sections, summary(facts, protocol), sendBack(facts, provider, protocol), ownership(facts), inspection(facts, provider), testing(facts, provider)
    ]
  }
}

/** The same as data, for a program: addresses and names, no prose. */
export const guideData = (facts: Facts, provider: ProviderGuide): Readonly<Record<string, unknown>> => ({
  connection: facts.connectionId,
  connector: facts.connection.connector,
  organization: { id: facts.organizationId, name: facts.organization },
  provider: provider.name,
  ...protocolPart(facts, provider).data,
  domains: facts.domains,
  accepts: facts.accepts,
  apps: facts.apps,
  send_back: provider.sendBack.map(({ name, values }) => ({ name, known: values })),
  dns_txt_records: facts.records,
  exempt_from_tls_inspection: { ours: ownHosts(facts), provider: provider.hosts }
})
