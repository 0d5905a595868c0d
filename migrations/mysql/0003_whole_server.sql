-- Staff, backend services, launches and registration. Times are seconds since 1970 (UTC). Requests and sessions are
-- short-lived and made anew; grants, tokens and apps are kept.

ALTER TABLE anteroom_client ADD COLUMN jwks TEXT NULL;
ALTER TABLE anteroom_client ADD COLUMN jwks_uri TEXT NULL;
ALTER TABLE anteroom_client ADD COLUMN launch_uri TEXT NULL;
ALTER TABLE anteroom_client ADD COLUMN logout_uris TEXT NULL;
ALTER TABLE anteroom_client ADD COLUMN client_uri TEXT NULL;
ALTER TABLE anteroom_client ADD COLUMN contact VARCHAR(255) NULL;
ALTER TABLE anteroom_client ADD COLUMN waits INT NOT NULL DEFAULT 0;
ALTER TABLE anteroom_client ADD COLUMN registered_by VARCHAR(80) NOT NULL DEFAULT '';
ALTER TABLE anteroom_client ADD COLUMN approved_by VARCHAR(80) NOT NULL DEFAULT '';

ALTER TABLE anteroom_session MODIFY pid BIGINT NULL,
  ADD COLUMN staff BIGINT NULL AFTER pid,
  ADD COLUMN acr VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' AFTER credential,
  ADD COLUMN upstream VARCHAR(255) NULL AFTER acr,
  ADD KEY staff (staff);

-- Without a client it is a visit to a page of our own, whose path is the redirect address.
ALTER TABLE anteroom_authorization MODIFY client_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN dropped TEXT NULL AFTER scope,
  ADD COLUMN login_hint TEXT NULL AFTER challenge,
  ADD COLUMN anew INT NOT NULL DEFAULT 0 AFTER login_hint,
  ADD COLUMN launched_by BIGINT NULL AFTER anew,
  ADD COLUMN patient BIGINT NULL AFTER launched_by,
  ADD COLUMN encounter VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL AFTER patient,
  ADD COLUMN intent VARCHAR(255) NULL AFTER encounter,
  ADD COLUMN banner INT NOT NULL DEFAULT 1 AFTER intent,
  ADD COLUMN staff BIGINT NULL AFTER pid;

-- pid is the patient in context; staff, where the user is a member of staff. With neither it is a backend service's.
ALTER TABLE anteroom_grant MODIFY pid BIGINT NULL,
  ADD COLUMN chart BINARY(16) NULL AFTER pid,
  ADD COLUMN staff BIGINT NULL AFTER chart,
  ADD COLUMN encounter VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL AFTER staff,
  ADD COLUMN intent VARCHAR(255) NULL AFTER encounter,
  ADD COLUMN banner INT NOT NULL DEFAULT 1 AFTER intent,
  ADD COLUMN acr VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' AFTER credential,
  ADD COLUMN session_hash VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL AFTER acr,
  ADD KEY staff (staff);

-- What staff launch an app with; the token goes to the app through the browser.
CREATE TABLE anteroom_launch (
  token_hash       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  client_id        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  staff            BIGINT NOT NULL,
  patient          BIGINT NULL,
  encounter        VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  intent           VARCHAR(255) NULL,
  banner           INT NOT NULL DEFAULT 1,
  created          BIGINT NOT NULL,
  used             BIGINT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Assertions that were seen, so that none works twice: the name is client and jti, as a fingerprint.
CREATE TABLE anteroom_jti (
  name             VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  expires          BIGINT NOT NULL,
  KEY expires (expires)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Logins under way at the practice's identity provider.
CREATE TABLE anteroom_upstream (
  state_hash       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  visitor_hash     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  request          VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  nonce            VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  verifier         VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  fresh            INT NOT NULL DEFAULT 0,
  created          BIGINT NOT NULL,
  used             BIGINT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- Which member of staff an account at the identity provider is: issuer and subject as a fingerprint.
CREATE TABLE anteroom_staff_link (
  subject_hash     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  staff            BIGINT NOT NULL UNIQUE,
  created          BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

ALTER TABLE anteroom_audit ADD KEY grant_id (grant_id), ADD KEY request_id (request_id);

-- What the hourly sweep looks for.
ALTER TABLE anteroom_authorization ADD KEY created (created);
ALTER TABLE anteroom_code ADD KEY expires (expires);
ALTER TABLE anteroom_session ADD KEY auth_time (auth_time);
ALTER TABLE anteroom_throttle ADD KEY since (since);
ALTER TABLE anteroom_token ADD KEY expires (expires);
ALTER TABLE anteroom_grant ADD KEY ends (ends), ADD KEY revoked (revoked);
ALTER TABLE anteroom_launch ADD KEY created (created);
ALTER TABLE anteroom_upstream ADD KEY created (created);
