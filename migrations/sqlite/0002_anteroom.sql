-- Anteroom's own tables, and nothing of OpenEMR's. Times are seconds since 1970 (UTC).
-- Secrets are here as SHA-256 in base64url only; the private signing keys are the exception that must be readable.

CREATE TABLE anteroom_client (
  client_id     VARCHAR(64) NOT NULL PRIMARY KEY,
  name          VARCHAR(120) NOT NULL,
  kind          VARCHAR(16) NOT NULL,
  redirect_uris TEXT NOT NULL,
  scope         TEXT NOT NULL,
  secret_hash   VARCHAR(64) NULL,
  verified      INT NOT NULL DEFAULT 0,
  created       BIGINT NOT NULL,
  disabled      BIGINT NULL
);

CREATE TABLE anteroom_session (
  session_hash  VARCHAR(64) NOT NULL PRIMARY KEY,
  pid           BIGINT NOT NULL,
  credential    VARCHAR(64) NOT NULL,
  auth_time     BIGINT NOT NULL,
  last_seen     BIGINT NOT NULL,
  ended         BIGINT NULL
);

CREATE TABLE anteroom_authorization (
  id            VARCHAR(64) NOT NULL PRIMARY KEY,
  visitor_hash  VARCHAR(64) NOT NULL,
  client_id     VARCHAR(64) NOT NULL,
  redirect_uri  TEXT NOT NULL,
  scope         TEXT NOT NULL,
  state         TEXT NOT NULL,
  nonce         TEXT NULL,
  challenge     VARCHAR(64) NOT NULL,
  created       BIGINT NOT NULL,
  pid           BIGINT NULL,
  must_change   INT NOT NULL DEFAULT 0,
  credential    VARCHAR(64) NULL,
  session_hash  VARCHAR(64) NULL,
  auth_time     BIGINT NULL,
  finished      BIGINT NULL
);

CREATE TABLE anteroom_grant (
  id            VARCHAR(36) NOT NULL PRIMARY KEY,
  client_id     VARCHAR(64) NOT NULL,
  pid           BIGINT NOT NULL,
  scope         TEXT NOT NULL,
  credential    VARCHAR(64) NOT NULL,
  auth_time     BIGINT NOT NULL,
  created       BIGINT NOT NULL,
  ends          BIGINT NOT NULL,
  revoked       BIGINT NULL
);

CREATE TABLE anteroom_code (
  code_hash     VARCHAR(64) NOT NULL PRIMARY KEY,
  grant_id      VARCHAR(36) NOT NULL,
  client_id     VARCHAR(64) NOT NULL,
  redirect_uri  TEXT NOT NULL,
  challenge     VARCHAR(64) NOT NULL,
  nonce         TEXT NULL,
  expires       BIGINT NOT NULL,
  wrong         INT NOT NULL DEFAULT 0,
  used          BIGINT NULL
);

CREATE TABLE anteroom_token (
  token_hash    VARCHAR(64) NOT NULL PRIMARY KEY,
  grant_id      VARCHAR(36) NOT NULL,
  kind          VARCHAR(8) NOT NULL,
  scope         TEXT NOT NULL,
  parent        VARCHAR(64) NULL,
  issued        BIGINT NOT NULL,
  expires       BIGINT NOT NULL,
  first_used    BIGINT NULL,
  consumed      BIGINT NULL,
  revoked       BIGINT NULL
);

CREATE TABLE anteroom_throttle (
  name          VARCHAR(64) NOT NULL PRIMARY KEY,
  attempts      BIGINT NOT NULL,
  since         BIGINT NOT NULL,
  not_before    BIGINT NOT NULL
);

CREATE TABLE anteroom_audit (
  id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  at            BIGINT NOT NULL,
  action        VARCHAR(40) NOT NULL,
  outcome       VARCHAR(16) NOT NULL,
  reason        VARCHAR(255) NOT NULL DEFAULT '',
  actor         VARCHAR(64) NOT NULL DEFAULT '',
  client_id     VARCHAR(64) NOT NULL DEFAULT '',
  grant_id      VARCHAR(36) NOT NULL DEFAULT '',
  resource      VARCHAR(120) NOT NULL DEFAULT '',
  request_id    VARCHAR(36) NOT NULL DEFAULT ''
);

CREATE TABLE anteroom_key (
  kid           VARCHAR(64) NOT NULL PRIMARY KEY,
  purpose       VARCHAR(16) NOT NULL,
  material      TEXT NOT NULL,
  created       BIGINT NOT NULL,
  retired       BIGINT NULL
);

CREATE INDEX anteroom_session_pid ON anteroom_session (pid);
CREATE INDEX anteroom_grant_pid ON anteroom_grant (pid);
CREATE INDEX anteroom_token_grant_id ON anteroom_token (grant_id);
CREATE INDEX anteroom_token_parent ON anteroom_token (parent);
CREATE INDEX anteroom_audit_actor ON anteroom_audit (actor);
