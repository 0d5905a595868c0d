-- Decisions part by part. refused: what was not taken over of a request that was, as JSON pairs of the element and why. told:
-- when the patient was told of the decision, in milliseconds since 1970; what was decided before there was that letter needs none.
ALTER TABLE anteroom_review
  ADD COLUMN refused TEXT NULL,
  ADD COLUMN told    BIGINT NULL,
  ADD KEY told (told, status),
  ADD KEY resource (resource);

UPDATE anteroom_review SET told = created WHERE status <> 'waiting';
