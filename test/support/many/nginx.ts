import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from '../free-port.ts'
import type { Test } from '../gateway.ts'
import { isListening } from '../is-listening.ts'

/** Debian puts it where only root looks. */
const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin` }

const isInstalled = (): boolean => {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore', env })
    return true
  } catch {
    return false
  }
}

/** Why tests behind nginx are skipped, for `{ skip }`: never in CI. */
export const noNginx: string | false = process.env['CI'] === 'true' || isInstalled() ? false : 'nginx is not installed'

/**
 * An nginx before these ports of 127.0.0.1, round robin and nothing sticky, as in `deploy/`; `X-Upstream` of an
 * answer says which ones were asked. It ends with the test.
 */
export const startNginx = async (t: Test, ports: readonly number[]): Promise<{ readonly port: number }> => {
  const folder = await mkdtemp(join(tmpdir(), 'portico-nginx-'))
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${join(folder, name)};`)
  await writeFile(file, `
daemon off;
master_process off;
pid ${join(folder, 'pid')};
error_log ${join(folder, 'error.log')};
events { worker_connections 1024; }
http {
  access_log off;
  ${temporary.join(' ')}
  large_client_header_buffers 8 16k;
  proxy_buffer_size 32k;
  proxy_buffers 8 32k;
  upstream portico {
    ${ports.map(port => `server 127.0.0.1:${port} max_fails=1 fail_timeout=1s;`).join(' ')}
  }
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://portico;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_buffering off;
      proxy_read_timeout 60s;
      add_header X-Upstream $upstream_addr always;
    }
  }
}
`)
  const child = spawn('nginx', ['-c', file, '-p', folder, '-e', join(folder, 'error.log')], { stdio: 'ignore', env })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exited
    await rm(folder, { recursive: true, force: true })
  })
  while (!await isListening(port)) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`)
    await wait(20)
  }
  return { port }
}
