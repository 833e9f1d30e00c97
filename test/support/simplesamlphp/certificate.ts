import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface KeyPair {
  /** PEM, PKCS #8. */
  readonly key: string
  /** PEM, one certificate. */
  readonly certificate: string
}

// a configuration of its own: without the package openssl there is none on the machine
const openssl = '[req]\ndistinguished_name = name\n[name]\n'

const script = String.raw`
  $options = ['config' => $argv[1], 'digest_alg' => 'sha256', 'private_key_bits' => 2048, 'private_key_type' => OPENSSL_KEYTYPE_RSA];
  $key = openssl_pkey_new($options);
  $request = openssl_csr_new(['commonName' => $argv[2]], $key, $options);
  openssl_x509_export(openssl_csr_sign($request, null, $key, 365, $options, random_int(1, PHP_INT_MAX)), $certificate);
  openssl_pkey_export($key, $pem, null, $options);
  echo $pem, $certificate;`

/** A new RSA key of 2,048 bits and its self-signed certificate for a year, made by PHP, since Node makes none. `name` becomes the common name. */
export const createKeyPair = async (name: string): Promise<KeyPair> => {
  const folder = await mkdtemp(join(tmpdir(), 'portico-certificate-'))
  try {
    const config = join(folder, 'openssl.cnf')
    await writeFile(config, openssl)
    const { stdout } = await promisify(execFile)('php', ['-r', script, config, name])
    const [key, certificate] = stdout.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----\n/g) ?? []
    if (key === undefined || certificate === undefined) throw new Error(`PHP made no certificate: ${stdout.replace(/-----BEGIN .*/s, '')}`)
    return { key, certificate }
  } finally {
    await rm(folder, { recursive: true })
  }
}
