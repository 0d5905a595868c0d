-- Decisions part by part. refused: what was not taken over of a request that was, as JSON pairs of the element and why. told:
-- when the patient was told of the decision, in milliseconds since 1970; what was decided before there was that letter needs none.
ALTER TABLE anteroom_review ADD COLUMN refused TEXT NULL;
ALTER TABLE anteroom_review ADD COLUMN told INTEGER NULL;
CREATE INDEX anteroom_review_told ON anteroom_review (told, status);
CREATE INDEX anteroom_review_resource ON anteroom_review (resource);

UPDATE anteroom_review SET told = created WHERE status <> 'waiting';
