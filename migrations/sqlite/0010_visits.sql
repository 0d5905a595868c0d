-- Booking. Times are seconds since 1970 (UTC), except wall, which is the practice's clock as OpenEMR's calendar has it.

-- The turn of whoever books: a row that every booking writes, so that bookings wait for each other on one server, and on a
-- cluster of several the second of two is told (certification). Nothing in the calendar itself could be waited for.
CREATE TABLE anteroom_calendar (
  provider    BIGINT NOT NULL PRIMARY KEY,
  turn        BIGINT NOT NULL
);

-- Time that is held for a patient who is about to ask for it. id is that of the Appointment it may become.
CREATE TABLE anteroom_hold (
  id          BLOB NOT NULL PRIMARY KEY,
  pid         BIGINT NOT NULL,
  provider    BIGINT NOT NULL,
  category    BIGINT NOT NULL,
  wall        VARCHAR(19) NOT NULL,
  seconds     BIGINT NOT NULL,
  created     BIGINT NOT NULL,
  expires     BIGINT NOT NULL
);
CREATE INDEX anteroom_hold_provider ON anteroom_hold (provider, expires);
CREATE INDEX anteroom_hold_pid ON anteroom_hold (pid);
CREATE INDEX anteroom_hold_expires ON anteroom_hold (expires);

-- What a patient knows of a visit: mark and start as they were seen last, and as what it was told: waits, agreed or off. Where
-- the calendar has become another, the patient is told, whoever changed it. asked: the patient asked for it here. offered: the
-- practice proposed this time, and the patient has not answered. withdrawn: the patient called it off.
CREATE TABLE anteroom_visit (
  event       BIGINT NOT NULL PRIMARY KEY,
  pid         BIGINT NOT NULL,
  mark        VARCHAR(15) NOT NULL,
  wall        VARCHAR(19) NOT NULL,
  seconds     BIGINT NOT NULL,
  uid         VARCHAR(64) NOT NULL,
  told        VARCHAR(8) NOT NULL,
  asked       INT NOT NULL DEFAULT 0,
  offered     INT NOT NULL DEFAULT 0,
  withdrawn   INT NOT NULL DEFAULT 0,
  revision    BIGINT NOT NULL DEFAULT 0,
  created     BIGINT NOT NULL
);
CREATE INDEX anteroom_visit_wall ON anteroom_visit (wall);
