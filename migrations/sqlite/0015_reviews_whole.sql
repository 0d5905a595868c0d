-- Documents that patients sent before there were reviews of them wait for a decision, too.
INSERT INTO anteroom_review
  (id, kind, pid, patient, resource, asked, known, status, reason, client_id, created)
SELECT w.uuid, 'review-document', w.pid, w.patient, w.resource, '{}', '{}', 'waiting', '', w.client_id, w.created
FROM (SELECT u.uuid, u.pid, u.patient, u.client_id, u.created,
        'DocumentReference/' || LOWER(SUBSTR(HEX(u.uuid), 1, 8) || '-' || SUBSTR(HEX(u.uuid), 9, 4) || '-' ||
          SUBSTR(HEX(u.uuid), 13, 4) || '-' || SUBSTR(HEX(u.uuid), 17, 4) || '-' || SUBSTR(HEX(u.uuid), 21)) AS resource
      FROM anteroom_upload u WHERE u.state = 'waiting') w
WHERE NOT EXISTS (SELECT 1 FROM anteroom_review r WHERE r.resource = w.resource);
