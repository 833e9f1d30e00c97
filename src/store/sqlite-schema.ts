import type { DatabaseSync } from 'node:sqlite'
import { PorticoError } from '../errors.ts'
import { createTransaction } from './sqlite-transaction.ts'

/** 'Port': tells Portico's databases from other programs'. */
const applicationId = 0x506f7274

/** Each entry leads from the version of its index to the next; never edit one that was released. */
const migrations: readonly string[] = [`
  CREATE TABLE item (
    kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, expires_at INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
  ) STRICT;
  CREATE INDEX item_by_expiry ON item (expires_at);

  CREATE TABLE member (
    id TEXT NOT NULL PRIMARY KEY, organization TEXT NOT NULL, connection TEXT NOT NULL,
    subject TEXT NOT NULL, email TEXT NOT NULL, created_at INTEGER NOT NULL,
    UNIQUE (organization, connection, subject)
  ) STRICT;

  CREATE TABLE last_seen (
    sid TEXT NOT NULL PRIMARY KEY, seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX last_seen_by_expiry ON last_seen (expires_at);

  -- AUTOINCREMENT: a cursor must never see a number twice, not even after the newest row was swept
  CREATE TABLE revocation (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, value TEXT NOT NULL,
    issued_before INTEGER NOT NULL, expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX revocation_by_expiry ON revocation (expires_at);

  -- rows are never deleted, so the greatest sequence + 1 is always new
  CREATE TABLE trust (
    connection TEXT NOT NULL PRIMARY KEY, fingerprint TEXT NOT NULL, generation INTEGER NOT NULL,
    sequence INTEGER NOT NULL UNIQUE
  ) STRICT;
`, `
  -- a person may be several members, one an invited address; a member without a subject waits for the next one
  CREATE TABLE member_2 (
    id TEXT NOT NULL PRIMARY KEY, organization TEXT NOT NULL, connection TEXT NOT NULL, subject TEXT,
    -- empty where it is the e-mail
    invited TEXT NOT NULL,
    email TEXT NOT NULL,
    address TEXT NOT NULL GENERATED ALWAYS AS (CASE invited WHEN '' THEN email ELSE invited END) VIRTUAL,
    name TEXT, group_names TEXT NOT NULL,
    created_at INTEGER NOT NULL, signed_in_at INTEGER NOT NULL, blocked_at INTEGER,
    UNIQUE (organization, connection, subject, invited)
  ) STRICT;
  INSERT INTO member_2 (id, organization, connection, subject, invited, email, group_names, created_at, signed_in_at)
    SELECT id, organization, connection, subject, '', email, '[]', created_at, created_at FROM member;
  DROP TABLE member;
  ALTER TABLE member_2 RENAME TO member;
  CREATE INDEX member_by_email ON member (email);
  CREATE INDEX member_by_invited ON member (invited);
  CREATE INDEX member_by_connection ON member (connection);
  CREATE INDEX member_by_address ON member (organization, address, id);
`, `
  -- expired ones are kept for a while, so that their owners are told
  CREATE TABLE api_key (
    id TEXT NOT NULL PRIMARY KEY, hash TEXT NOT NULL UNIQUE, member TEXT NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    organization TEXT NOT NULL, label TEXT NOT NULL, apps TEXT NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, last_used_at INTEGER
  ) STRICT;
  CREATE INDEX api_key_by_member ON api_key (member);
  CREATE INDEX api_key_by_expiry ON api_key (expires_at);
`, `
  CREATE TABLE session (
    sid TEXT NOT NULL PRIMARY KEY, member TEXT NOT NULL, organization TEXT NOT NULL, connection TEXT NOT NULL,
    email TEXT NOT NULL, browser TEXT, client TEXT NOT NULL, basis TEXT NOT NULL, started_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX session_by_member ON session (member, started_at);
  CREATE INDEX session_by_start ON session (started_at, sid);
  CREATE INDEX session_by_expiry ON session (expires_at);

  -- AUTOINCREMENT, as above; a row that is written anew gets a new number
  CREATE TABLE identity (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, sid TEXT NOT NULL UNIQUE, value TEXT NOT NULL, expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX identity_by_expiry ON identity (expires_at);
  INSERT INTO identity (sid, value, expires_at) SELECT key, value, expires_at FROM item WHERE kind = 'identity';
  DELETE FROM item WHERE kind = 'identity';

  CREATE TABLE store (since INTEGER NOT NULL) STRICT;
  -- one that has been there since before this table has forgotten nothing
  INSERT INTO store SELECT 0 FROM trust LIMIT 1;
`]

const pragma = (database: DatabaseSync, name: string): unknown => database.prepare(`PRAGMA ${name}`).get()?.[name]

const refuse = (wanted: string, got: string, remedy: string): PorticoError =>
  new PorticoError('PORTICO_STORE_UNAVAILABLE', { wanted, got, remedy })

/**
 * Brings the database to today's schema, inside one transaction, so that of several processes that
 * start together one migrates and the others find it done. Throws PORTICO_STORE_UNAVAILABLE for a
 * database of another program or of a newer Portico.
 */
export const migrate = (database: DatabaseSync): void => {
  createTransaction(database)(() => {
    const version = Number(pragma(database, 'user_version'))
    const tables = Number(database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get()?.['tables'])
    const owner = pragma(database, 'application_id')
    if (owner !== applicationId && (tables > 0 || owner !== 0)) {
      throw refuse('a database of Portico', 'a database of another program', 'Point store.path at a file of Portico\'s own.')
    }
    if (version > migrations.length) {
      throw refuse(`a schema of version ${migrations.length} or older`, `version ${version}, which a newer Portico wrote`,
        'Run the newer Portico, or restore the backup from before the upgrade.')
    }
    for (const migration of migrations.slice(version)) database.exec(migration)
    database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}`)
  })
}
