-- Documents that patients sent before there were reviews of them wait for a decision, too. A reason each for many parts may be
-- longer than a TEXT holds.
ALTER TABLE anteroom_review MODIFY COLUMN refused MEDIUMTEXT NULL;

INSERT INTO anteroom_review
  (id, kind, pid, patient, resource, asked, known, status, reason, client_id, created)
SELECT w.uuid, 'review-document', w.pid, w.patient, w.resource, '{}', '{}', 'waiting', '', w.client_id, w.created
FROM (SELECT u.uuid, u.pid, u.patient, u.client_id, u.created,
        CONCAT('DocumentReference/', LOWER(CONCAT_WS('-', SUBSTR(HEX(u.uuid), 1, 8), SUBSTR(HEX(u.uuid), 9, 4),
          SUBSTR(HEX(u.uuid), 13, 4), SUBSTR(HEX(u.uuid), 17, 4), SUBSTR(HEX(u.uuid), 21)))) AS resource
      FROM anteroom_upload u WHERE u.state = 'waiting') w
WHERE NOT EXISTS (SELECT 1 FROM anteroom_review r WHERE HEX(r.resource) = HEX(w.resource));
