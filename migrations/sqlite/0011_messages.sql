-- Messages: what OpenEMR's onsite_mail has no room for. mail is onsite_mail.id. Times are seconds since 1970 (UTC).

-- What a message is about, where its sender said so: registration, appointment, document or payment. mail is the patient's copy.
CREATE TABLE anteroom_mail_topic (
  mail        BIGINT NOT NULL PRIMARY KEY,
  topic       VARCHAR(16) NOT NULL
);

-- The documents a message carries, documents.id; each copy has lines of its own.
CREATE TABLE anteroom_attachment (
  mail        BIGINT NOT NULL,
  document    BIGINT NOT NULL,
  PRIMARY KEY (mail, document)
);
CREATE INDEX anteroom_attachment_document ON anteroom_attachment (document);

-- Up to which row onsite_mail was looked through for messages to tell patients of: one row.
CREATE TABLE anteroom_mail_place (
  id          BIGINT NOT NULL PRIMARY KEY,
  mail        BIGINT NOT NULL
);

-- Whom a letter is owed that says there is a message: since which row, and when the last one went.
CREATE TABLE anteroom_mail_notice (
  pid         BIGINT NOT NULL PRIMARY KEY,
  mail        BIGINT NOT NULL,
  owed        INT NOT NULL DEFAULT 0,
  told        BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX anteroom_mail_notice_owed ON anteroom_mail_notice (owed, told);

-- What a job sends to each of its patients.
CREATE TABLE anteroom_circular (
  job         BLOB NOT NULL PRIMARY KEY,
  title       VARCHAR(255) NOT NULL,
  body        TEXT NOT NULL
);
