-- OpenEMR's own table of issues (medications, allergies, problems), as the sandbox needs it.
CREATE TABLE `lists` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `date` DATETIME,
  `type` TEXT COLLATE NOCASE,
  `title` TEXT COLLATE NOCASE,
  `begdate` DATETIME,
  `enddate` DATETIME,
  `activity` INTEGER,
  `comments` TEXT COLLATE NOCASE,
  `pid` INTEGER,
  `user` TEXT COLLATE NOCASE
);
CREATE INDEX `lists_pid` ON `lists` (`pid`);
