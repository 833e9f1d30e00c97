/** Names that devices and programs which open TLS put into the certificates they make. */
export const inspectors: readonly string[] = [
  'Zscaler', 'Netskope', 'Palo Alto', 'Fortinet', 'FortiGate', 'Blue Coat', 'Symantec Web Security', 'Cisco Umbrella', 'Cisco Secure Access', 'Sophos',
  'McAfee', 'Skyhigh', 'Check Point', 'Forcepoint', 'Websense', 'Barracuda', 'SonicWall', 'WatchGuard', 'Cato Networks', 'iboss', 'Cloudflare Gateway', 'Gateway CA - Cloudflare',
  'Squid', 'mitmproxy', 'Charles Proxy', 'Fiddler', 'PortSwigger', 'Kaspersky', 'ESET SSL', 'Avast', 'Bitdefender', 'TLS Inspection', 'SSL Inspection', 'Decryption'
]
