-- Changes of the address of an account. Times are seconds since 1970 (UTC).

-- Under which address an account is known here: OpenEMR tells nobody when staff change it.
CREATE TABLE anteroom_address (
  pid      BIGINT NOT NULL PRIMARY KEY,
  address  VARCHAR(320) NOT NULL
);

-- What a link confirms or takes back; link_hash is the fingerprint of its token. trusted: the trusted address goes along.
CREATE TABLE anteroom_email_change (
  link_hash      VARCHAR(64) NOT NULL PRIMARY KEY,
  pid            BIGINT NOT NULL,
  address_before VARCHAR(320) NOT NULL,
  address_after  VARCHAR(320) NOT NULL,
  trusted        INT NOT NULL,
  ends           BIGINT NOT NULL
);
CREATE INDEX anteroom_email_change_ends ON anteroom_email_change (ends);
