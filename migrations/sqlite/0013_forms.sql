-- Forms and their signatures. Times are milliseconds since 1970 (UTC), except of tablets, which are seconds.

-- What OpenEMR's row of a form has no column for. document is onsite_documents.id; category that of the chart the form goes
-- to, 0 where none was chosen; put_by is users.id; filed the documents.id it became; reason why staff gave it back.
CREATE TABLE anteroom_form (
  document    BIGINT NOT NULL PRIMARY KEY,
  pid         BIGINT NOT NULL,
  template    VARCHAR(64) NOT NULL,
  category    BIGINT NOT NULL,
  put_by      BIGINT NOT NULL,
  reason      TEXT NOT NULL,
  filed       BIGINT,
  created     BIGINT NOT NULL
);
CREATE INDEX anteroom_form_filed ON anteroom_form (filed);
CREATE INDEX anteroom_form_pid ON anteroom_form (pid);

-- Who signed what, and when. hash is SHA3-512 of all that was signed; rows are never changed but for voided, when staff gave
-- the form back. witness is the member of staff who handed over the tablet.
CREATE TABLE anteroom_signature (
  id          BLOB NOT NULL PRIMARY KEY,
  document    BIGINT NOT NULL,
  pid         BIGINT NOT NULL,
  patient     BLOB NOT NULL,
  name        VARCHAR(255) NOT NULL,
  how         VARCHAR(8) NOT NULL,
  picture     TEXT NOT NULL,
  hash        VARCHAR(128) NOT NULL,
  signed      BIGINT NOT NULL,
  client_id   VARCHAR(255) NOT NULL,
  witness     BLOB,
  voided      BIGINT
);
CREATE INDEX anteroom_signature_document ON anteroom_signature (document);
CREATE INDEX anteroom_signature_pid ON anteroom_signature (pid);

-- Forms made here. body is the form as HTML with OpenEMR's names of inputs, as it is put before a patient.
CREATE TABLE anteroom_questionnaire (
  id          BLOB NOT NULL PRIMARY KEY,
  title       VARCHAR(255) NOT NULL,
  category    VARCHAR(255) NOT NULL,
  body        TEXT NOT NULL,
  active      INT NOT NULL,
  made_by     BLOB NOT NULL,
  created     BIGINT NOT NULL,
  changed     BIGINT NOT NULL
);

-- A tablet that is handed over for one form: the link is good once and for ten minutes. device is the fingerprint of what
-- the device that opened it holds.
CREATE TABLE anteroom_tablet (
  id          BLOB NOT NULL PRIMARY KEY,
  token_hash  VARCHAR(64) NOT NULL,
  device      VARCHAR(64),
  document    BIGINT NOT NULL,
  pid         BIGINT NOT NULL,
  patient     BLOB NOT NULL,
  made_by     BLOB NOT NULL,
  created     BIGINT NOT NULL,
  expires     BIGINT NOT NULL,
  opened      BIGINT,
  ended       BIGINT
);
CREATE INDEX anteroom_tablet_token ON anteroom_tablet (token_hash);
CREATE INDEX anteroom_tablet_device ON anteroom_tablet (device);
CREATE INDEX anteroom_tablet_pid ON anteroom_tablet (pid);
CREATE INDEX anteroom_tablet_expires ON anteroom_tablet (expires);

-- OpenEMR's own tables of templates and signatures, as the sandbox needs them.
CREATE TABLE `document_templates` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `pid` INTEGER,
  `provider` INTEGER,
  `encounter` INTEGER,
  `modified_date` DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `profile` TEXT COLLATE NOCASE NOT NULL,
  `category` TEXT COLLATE NOCASE NOT NULL,
  `location` TEXT COLLATE NOCASE,
  `template_name` TEXT COLLATE NOCASE,
  `status` TEXT COLLATE NOCASE,
  `send_date` DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `end_date` DATETIME,
  `size` INTEGER NOT NULL DEFAULT 0,
  `template_content` BLOB,
  `mime` TEXT COLLATE NOCASE,
  UNIQUE (`pid`, `profile`, `category`, `template_name`)
);
CREATE TABLE `onsite_signatures` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `status` TEXT COLLATE NOCASE NOT NULL DEFAULT 'waiting',
  `type` TEXT COLLATE NOCASE NOT NULL,
  `created` INTEGER NOT NULL,
  `lastmod` DATETIME NOT NULL,
  `pid` INTEGER,
  `encounter` INTEGER,
  `user` TEXT COLLATE NOCASE,
  `activity` INTEGER NOT NULL DEFAULT 0,
  `authorized` INTEGER,
  `signator` TEXT COLLATE NOCASE NOT NULL,
  `sig_image` TEXT,
  `signature` TEXT,
  `sig_hash` TEXT COLLATE NOCASE NOT NULL,
  `ip` TEXT COLLATE NOCASE NOT NULL,
  UNIQUE (`pid`, `user`)
);
