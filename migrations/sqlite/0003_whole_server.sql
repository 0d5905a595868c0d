-- Staff, backend services, launches and registration. Times are seconds since 1970 (UTC). Requests and sessions are
-- short-lived and made anew; grants, tokens and apps are kept.

ALTER TABLE anteroom_client ADD COLUMN jwks TEXT NULL;
ALTER TABLE anteroom_client ADD COLUMN jwks_uri TEXT NULL;
ALTER TABLE anteroom_client ADD COLUMN launch_uri TEXT NULL;
ALTER TABLE anteroom_client ADD COLUMN logout_uris TEXT NULL;
ALTER TABLE anteroom_client ADD COLUMN client_uri TEXT NULL;
ALTER TABLE anteroom_client ADD COLUMN contact TEXT NULL;
ALTER TABLE anteroom_client ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE anteroom_client ADD COLUMN registered_by TEXT NOT NULL DEFAULT '';
ALTER TABLE anteroom_client ADD COLUMN approved_by TEXT NOT NULL DEFAULT '';

DROP TABLE anteroom_session;

CREATE TABLE anteroom_session (
  session_hash     TEXT NOT NULL PRIMARY KEY,
  pid              INTEGER NULL,
  staff            INTEGER NULL,
  credential       TEXT NOT NULL,
  acr              TEXT NOT NULL DEFAULT '',
  upstream         TEXT NULL,
  auth_time        INTEGER NOT NULL,
  last_seen        INTEGER NOT NULL,
  ended            INTEGER NULL
);
CREATE INDEX anteroom_session_pid ON anteroom_session (pid);
CREATE INDEX anteroom_session_staff ON anteroom_session (staff);

DROP TABLE anteroom_authorization;

-- Without a client it is a visit to a page of our own, whose path is the redirect address.
CREATE TABLE anteroom_authorization (
  id               TEXT NOT NULL PRIMARY KEY,
  visitor_hash     TEXT NOT NULL,
  client_id        TEXT NULL,
  redirect_uri     TEXT NOT NULL,
  scope            TEXT NOT NULL,
  dropped          TEXT NULL,
  state            TEXT NOT NULL,
  nonce            TEXT NULL,
  challenge        TEXT NOT NULL,
  login_hint       TEXT NULL,
  anew             INTEGER NOT NULL DEFAULT 0,
  launched_by      INTEGER NULL,
  patient          INTEGER NULL,
  encounter        TEXT NULL,
  intent           TEXT NULL,
  banner           INTEGER NOT NULL DEFAULT 1,
  created          INTEGER NOT NULL,
  pid              INTEGER NULL,
  staff            INTEGER NULL,
  must_change      INTEGER NOT NULL DEFAULT 0,
  credential       TEXT NULL,
  session_hash     TEXT NULL,
  auth_time        INTEGER NULL,
  finished         INTEGER NULL
);

-- pid is the patient in context; staff, where the user is a member of staff. With neither it is a backend service's.
CREATE TABLE anteroom_grant_new (
  id               TEXT NOT NULL PRIMARY KEY,
  client_id        TEXT NOT NULL,
  pid              INTEGER NULL,
  chart            BLOB NULL,
  staff            INTEGER NULL,
  encounter        TEXT NULL,
  intent           TEXT NULL,
  banner           INTEGER NOT NULL DEFAULT 1,
  scope            TEXT NOT NULL,
  credential       TEXT NOT NULL,
  acr              TEXT NOT NULL DEFAULT '',
  session_hash     TEXT NULL,
  auth_time        INTEGER NOT NULL,
  created          INTEGER NOT NULL,
  ends             INTEGER NOT NULL,
  revoked          INTEGER NULL
);

INSERT INTO anteroom_grant_new (id, client_id, pid, scope, credential, auth_time, created, ends, revoked) SELECT id, client_id, pid, scope, credential, auth_time, created, ends, revoked FROM anteroom_grant;
DROP TABLE anteroom_grant;
ALTER TABLE anteroom_grant_new RENAME TO anteroom_grant;
CREATE INDEX anteroom_grant_pid ON anteroom_grant (pid);
CREATE INDEX anteroom_grant_staff ON anteroom_grant (staff);

-- What staff launch an app with; the token goes to the app through the browser.
CREATE TABLE anteroom_launch (
  token_hash       TEXT NOT NULL PRIMARY KEY,
  client_id        TEXT NOT NULL,
  staff            INTEGER NOT NULL,
  patient          INTEGER NULL,
  encounter        TEXT NULL,
  intent           TEXT NULL,
  banner           INTEGER NOT NULL DEFAULT 1,
  created          INTEGER NOT NULL,
  used             INTEGER NULL
);

-- Assertions that were seen, so that none works twice: the name is client and jti, as a fingerprint.
CREATE TABLE anteroom_jti (
  name             TEXT NOT NULL PRIMARY KEY,
  expires          INTEGER NOT NULL
);
CREATE INDEX anteroom_jti_expires ON anteroom_jti (expires);

-- Logins under way at the practice's identity provider.
CREATE TABLE anteroom_upstream (
  state_hash       TEXT NOT NULL PRIMARY KEY,
  visitor_hash     TEXT NOT NULL,
  request          TEXT NOT NULL,
  nonce            TEXT NOT NULL,
  verifier         TEXT NOT NULL,
  fresh            INTEGER NOT NULL DEFAULT 0,
  created          INTEGER NOT NULL,
  used             INTEGER NULL
);

-- Which member of staff an account at the identity provider is: issuer and subject as a fingerprint.
CREATE TABLE anteroom_staff_link (
  subject_hash     TEXT NOT NULL PRIMARY KEY,
  staff            INTEGER NOT NULL UNIQUE,
  created          INTEGER NOT NULL
);

CREATE INDEX anteroom_audit_grant_id ON anteroom_audit (grant_id);
CREATE INDEX anteroom_audit_request_id ON anteroom_audit (request_id);

-- What the hourly sweep looks for.
CREATE INDEX anteroom_authorization_created ON anteroom_authorization (created);
CREATE INDEX anteroom_code_expires ON anteroom_code (expires);
CREATE INDEX anteroom_session_auth_time ON anteroom_session (auth_time);
CREATE INDEX anteroom_throttle_since ON anteroom_throttle (since);
CREATE INDEX anteroom_token_expires ON anteroom_token (expires);
CREATE INDEX anteroom_grant_ends ON anteroom_grant (ends);
CREATE INDEX anteroom_grant_revoked ON anteroom_grant (revoked);
CREATE INDEX anteroom_launch_created ON anteroom_launch (created);
CREATE INDEX anteroom_upstream_created ON anteroom_upstream (created);
