-- Forms whose patient is not told of yet by letter: put there with the form, and gone with the letter. document is
-- onsite_documents.id; put is in seconds since 1970.
CREATE TABLE anteroom_form_letter (
  document    BIGINT NOT NULL PRIMARY KEY,
  pid         BIGINT NOT NULL,
  put         BIGINT NOT NULL
);
