-- The sandbox's OpenEMR: the tables a gateway uses, as in OpenEMR 8.2.
-- The project's own text, generated from the column tables by
--     python3 tests/openemr/generate.py FOLDER
-- Do not edit by hand.
-- Text compares without case, as MariaDB's general_ci does (ASCII only).
-- Dates and times are text; their declared types tell the driver how to
-- decode them. SQLite has no ON UPDATE CURRENT_TIMESTAMP: whoever updates a
-- last_updated row names that column. INT (not INTEGER) keys are those that
-- OpenEMR does not count up: leaving one out must not invent an id.

CREATE TABLE `addresses` (
  `id` INT NOT NULL DEFAULT 0,
  `line1` TEXT COLLATE NOCASE,
  `line2` TEXT COLLATE NOCASE,
  `city` TEXT COLLATE NOCASE,
  `state` TEXT COLLATE NOCASE,
  `zip` TEXT COLLATE NOCASE,
  `plus_four` TEXT COLLATE NOCASE,
  `country` TEXT COLLATE NOCASE,
  `foreign_id` INTEGER,
  `district` TEXT COLLATE NOCASE,
  PRIMARY KEY (`id`)
);
CREATE INDEX `addresses_foreign_id` ON `addresses` (`foreign_id`);

CREATE TABLE `categories` (
  `id` INT NOT NULL DEFAULT 0,
  `name` TEXT COLLATE NOCASE,
  `value` TEXT COLLATE NOCASE,
  `parent` INTEGER NOT NULL DEFAULT 0,
  `lft` INTEGER NOT NULL DEFAULT 0,
  `rght` INTEGER NOT NULL DEFAULT 0,
  `aco_spec` TEXT COLLATE NOCASE NOT NULL DEFAULT 'patients|docs',
  `codes` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  PRIMARY KEY (`id`)
);
CREATE INDEX `categories_lft` ON `categories` (`lft`, `rght`);
CREATE INDEX `categories_parent` ON `categories` (`parent`);

CREATE TABLE `categories_to_documents` (
  `category_id` INTEGER NOT NULL DEFAULT 0,
  `document_id` INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (`category_id`, `document_id`)
);

CREATE TABLE `contact` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `foreign_table_name` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `foreign_id` INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX `contact_foreign_id` ON `contact` (`foreign_id`);

CREATE TABLE `contact_address` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `contact_id` INTEGER NOT NULL,
  `address_id` INTEGER NOT NULL,
  `priority` INTEGER,
  `type` TEXT COLLATE NOCASE,
  `use` TEXT COLLATE NOCASE,
  `notes` TEXT COLLATE NOCASE,
  `status` TEXT COLLATE NOCASE,
  `is_primary` TEXT COLLATE NOCASE,
  `period_start` DATETIME,
  `period_end` DATETIME,
  `created_date` DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `inactivated_reason` TEXT COLLATE NOCASE,
  `created_by` INTEGER,
  `updated_date` DATETIME,
  `updated_by` INTEGER
);
CREATE INDEX `contact_address_address_id` ON `contact_address` (`address_id`);
CREATE INDEX `contact_address_contact_address_idx` ON `contact_address` (`contact_id`, `address_id`);
CREATE INDEX `contact_address_contact_id` ON `contact_address` (`contact_id`);

CREATE TABLE `documents` (
  `id` INT NOT NULL DEFAULT 0,
  `uuid` BLOB,
  `type` TEXT COLLATE NOCASE,
  `size` INTEGER,
  `date` DATETIME,
  `date_expires` DATETIME,
  `url` TEXT COLLATE NOCASE,
  `thumb_url` TEXT COLLATE NOCASE,
  `mimetype` TEXT COLLATE NOCASE,
  `pages` INTEGER,
  `owner` INTEGER,
  `revision` TIMESTAMP NOT NULL,
  `foreign_id` INTEGER,
  `docdate` DATE,
  `hash` TEXT COLLATE NOCASE,
  `list_id` INTEGER NOT NULL DEFAULT 0,
  `name` TEXT COLLATE NOCASE,
  `drive_uuid` BLOB,
  `couch_docid` TEXT COLLATE NOCASE,
  `couch_revid` TEXT COLLATE NOCASE,
  `storagemethod` INTEGER NOT NULL DEFAULT 0,
  `path_depth` INTEGER DEFAULT 1,
  `imported` INTEGER DEFAULT 0,
  `encounter_id` INTEGER NOT NULL DEFAULT 0,
  `encounter_check` INTEGER NOT NULL DEFAULT 0,
  `audit_master_approval_status` INTEGER NOT NULL DEFAULT 1,
  `audit_master_id` INTEGER,
  `documentationOf` TEXT COLLATE NOCASE,
  `encrypted` INTEGER NOT NULL DEFAULT 0,
  `document_data` TEXT COLLATE NOCASE,
  `deleted` INTEGER NOT NULL DEFAULT 0,
  `foreign_reference_id` INTEGER,
  `foreign_reference_table` TEXT COLLATE NOCASE,
  PRIMARY KEY (`id`)
);
CREATE UNIQUE INDEX `documents_drive_uuid` ON `documents` (`drive_uuid`);
CREATE INDEX `documents_foreign_id` ON `documents` (`foreign_id`);
CREATE INDEX `documents_foreign_reference` ON `documents` (`foreign_reference_id`, `foreign_reference_table`);
CREATE INDEX `documents_owner` ON `documents` (`owner`);
CREATE INDEX `documents_revision` ON `documents` (`revision`);
CREATE UNIQUE INDEX `documents_uuid` ON `documents` (`uuid`);

CREATE TABLE `facility` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `uuid` BLOB,
  `name` TEXT COLLATE NOCASE,
  `phone` TEXT COLLATE NOCASE,
  `fax` TEXT COLLATE NOCASE,
  `street` TEXT COLLATE NOCASE,
  `city` TEXT COLLATE NOCASE,
  `state` TEXT COLLATE NOCASE,
  `postal_code` TEXT COLLATE NOCASE,
  `country_code` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `federal_ein` TEXT COLLATE NOCASE,
  `website` TEXT COLLATE NOCASE,
  `email` TEXT COLLATE NOCASE,
  `service_location` INTEGER NOT NULL DEFAULT 1,
  `billing_location` INTEGER NOT NULL DEFAULT 1,
  `accepts_assignment` INTEGER NOT NULL DEFAULT 1,
  `pos_code` INTEGER,
  `x12_sender_id` TEXT COLLATE NOCASE,
  `attn` TEXT COLLATE NOCASE,
  `domain_identifier` TEXT COLLATE NOCASE,
  `facility_npi` TEXT COLLATE NOCASE,
  `facility_taxonomy` TEXT COLLATE NOCASE,
  `tax_id_type` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `color` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `primary_business_entity` INTEGER NOT NULL DEFAULT 1,
  `facility_code` TEXT COLLATE NOCASE,
  `extra_validation` INTEGER NOT NULL DEFAULT 1,
  `mail_street` TEXT COLLATE NOCASE,
  `mail_street2` TEXT COLLATE NOCASE,
  `mail_city` TEXT COLLATE NOCASE,
  `mail_state` TEXT COLLATE NOCASE,
  `mail_zip` TEXT COLLATE NOCASE,
  `oid` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `iban` TEXT COLLATE NOCASE,
  `info` TEXT COLLATE NOCASE,
  `weno_id` TEXT COLLATE NOCASE,
  `inactive` INTEGER NOT NULL DEFAULT 0,
  `date_created` DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `last_updated` DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `organization_type` TEXT COLLATE NOCASE NOT NULL DEFAULT 'prov'
);
CREATE UNIQUE INDEX `facility_uuid` ON `facility` (`uuid`);

CREATE TABLE `form_encounter` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `uuid` BLOB,
  `date` DATETIME,
  `reason` TEXT COLLATE NOCASE,
  `facility` TEXT COLLATE NOCASE,
  `facility_id` INTEGER NOT NULL DEFAULT 0,
  `pid` INTEGER,
  `encounter` INTEGER,
  `onset_date` DATETIME,
  `sensitivity` TEXT COLLATE NOCASE,
  `billing_note` TEXT COLLATE NOCASE,
  `pc_catid` INTEGER NOT NULL DEFAULT 5,
  `last_level_billed` INTEGER NOT NULL DEFAULT 0,
  `last_level_closed` INTEGER NOT NULL DEFAULT 0,
  `last_stmt_date` DATE,
  `stmt_count` INTEGER NOT NULL DEFAULT 0,
  `provider_id` INTEGER DEFAULT 0,
  `supervisor_id` INTEGER DEFAULT 0,
  `invoice_refno` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `referral_source` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `billing_facility` INTEGER NOT NULL DEFAULT 0,
  `external_id` TEXT COLLATE NOCASE,
  `pos_code` INTEGER,
  `parent_encounter_id` INTEGER,
  `class_code` TEXT COLLATE NOCASE NOT NULL DEFAULT 'AMB',
  `shift` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `voucher_number` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `discharge_disposition` TEXT COLLATE NOCASE,
  `encounter_type_code` TEXT COLLATE NOCASE,
  `encounter_type_description` TEXT COLLATE NOCASE,
  `referring_provider_id` INTEGER DEFAULT 0,
  `date_end` DATETIME,
  `in_collection` INTEGER,
  `last_update` TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `ordering_provider_id` INTEGER DEFAULT 0
);
CREATE INDEX `form_encounter_encounter_date` ON `form_encounter` (`date`);
CREATE INDEX `form_encounter_pid_encounter` ON `form_encounter` (`pid`, `encounter`);
CREATE UNIQUE INDEX `form_encounter_uuid` ON `form_encounter` (`uuid`);

CREATE TABLE `gacl_acl` (
  `id` INT NOT NULL DEFAULT 0,
  `section_value` TEXT COLLATE NOCASE NOT NULL DEFAULT 'system',
  `allow` INTEGER NOT NULL DEFAULT 0,
  `enabled` INTEGER NOT NULL DEFAULT 0,
  `return_value` TEXT COLLATE NOCASE,
  `note` TEXT COLLATE NOCASE,
  `updated_date` INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`)
);
CREATE INDEX `gacl_acl_gacl_enabled_acl` ON `gacl_acl` (`enabled`);
CREATE INDEX `gacl_acl_gacl_section_value_acl` ON `gacl_acl` (`section_value`);
CREATE INDEX `gacl_acl_gacl_updated_date_acl` ON `gacl_acl` (`updated_date`);

CREATE TABLE `gacl_aco` (
  `id` INT NOT NULL DEFAULT 0,
  `section_value` TEXT COLLATE NOCASE NOT NULL DEFAULT '0',
  `value` TEXT COLLATE NOCASE NOT NULL,
  `order_value` INTEGER NOT NULL DEFAULT 0,
  `name` TEXT COLLATE NOCASE NOT NULL,
  `hidden` INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`)
);
CREATE INDEX `gacl_aco_gacl_hidden_aco` ON `gacl_aco` (`hidden`);
CREATE UNIQUE INDEX `gacl_aco_gacl_section_value_value_aco` ON `gacl_aco` (`section_value`, `value`);

CREATE TABLE `gacl_aco_map` (
  `acl_id` INTEGER NOT NULL DEFAULT 0,
  `section_value` TEXT COLLATE NOCASE NOT NULL DEFAULT '0',
  `value` TEXT COLLATE NOCASE NOT NULL,
  PRIMARY KEY (`acl_id`, `section_value`, `value`)
);

CREATE TABLE `gacl_aco_sections` (
  `id` INT NOT NULL DEFAULT 0,
  `value` TEXT COLLATE NOCASE NOT NULL,
  `order_value` INTEGER NOT NULL DEFAULT 0,
  `name` TEXT COLLATE NOCASE NOT NULL,
  `hidden` INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`)
);
CREATE INDEX `gacl_aco_sections_gacl_hidden_aco_sections` ON `gacl_aco_sections` (`hidden`);
CREATE UNIQUE INDEX `gacl_aco_sections_gacl_value_aco_sections` ON `gacl_aco_sections` (`value`);

CREATE TABLE `gacl_aro` (
  `id` INT NOT NULL DEFAULT 0,
  `section_value` TEXT COLLATE NOCASE NOT NULL DEFAULT '0',
  `value` TEXT COLLATE NOCASE NOT NULL,
  `order_value` INTEGER NOT NULL DEFAULT 0,
  `name` TEXT COLLATE NOCASE NOT NULL,
  `hidden` INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`)
);
CREATE INDEX `gacl_aro_gacl_hidden_aro` ON `gacl_aro` (`hidden`);
CREATE UNIQUE INDEX `gacl_aro_gacl_section_value_value_aro` ON `gacl_aro` (`section_value`, `value`);

CREATE TABLE `gacl_aro_groups` (
  `id` INTEGER NOT NULL DEFAULT 0,
  `parent_id` INTEGER NOT NULL DEFAULT 0,
  `lft` INTEGER NOT NULL DEFAULT 0,
  `rgt` INTEGER NOT NULL DEFAULT 0,
  `name` TEXT COLLATE NOCASE NOT NULL,
  `value` TEXT COLLATE NOCASE NOT NULL,
  PRIMARY KEY (`id`, `value`)
);
CREATE INDEX `gacl_aro_groups_gacl_lft_rgt_aro_groups` ON `gacl_aro_groups` (`lft`, `rgt`);
CREATE INDEX `gacl_aro_groups_gacl_parent_id_aro_groups` ON `gacl_aro_groups` (`parent_id`);
CREATE UNIQUE INDEX `gacl_aro_groups_gacl_value_aro_groups` ON `gacl_aro_groups` (`value`);

CREATE TABLE `gacl_aro_groups_map` (
  `acl_id` INTEGER NOT NULL DEFAULT 0,
  `group_id` INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (`acl_id`, `group_id`)
);

CREATE TABLE `gacl_aro_map` (
  `acl_id` INTEGER NOT NULL DEFAULT 0,
  `section_value` TEXT COLLATE NOCASE NOT NULL DEFAULT '0',
  `value` TEXT COLLATE NOCASE NOT NULL,
  PRIMARY KEY (`acl_id`, `section_value`, `value`)
);

CREATE TABLE `gacl_aro_sections` (
  `id` INT NOT NULL DEFAULT 0,
  `value` TEXT COLLATE NOCASE NOT NULL,
  `order_value` INTEGER NOT NULL DEFAULT 0,
  `name` TEXT COLLATE NOCASE NOT NULL,
  `hidden` INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`)
);
CREATE INDEX `gacl_aro_sections_gacl_hidden_aro_sections` ON `gacl_aro_sections` (`hidden`);
CREATE UNIQUE INDEX `gacl_aro_sections_gacl_value_aro_sections` ON `gacl_aro_sections` (`value`);

CREATE TABLE `gacl_groups_aro_map` (
  `group_id` INTEGER NOT NULL DEFAULT 0,
  `aro_id` INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (`group_id`, `aro_id`)
);
CREATE INDEX `gacl_groups_aro_map_gacl_aro_id` ON `gacl_groups_aro_map` (`aro_id`);

CREATE TABLE `globals` (
  `gl_name` TEXT COLLATE NOCASE NOT NULL,
  `gl_index` INTEGER NOT NULL DEFAULT 0,
  `gl_value` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  PRIMARY KEY (`gl_name`, `gl_index`)
);

CREATE TABLE `insurance_companies` (
  `id` INT NOT NULL DEFAULT 0,
  `uuid` BLOB,
  `name` TEXT COLLATE NOCASE,
  `attn` TEXT COLLATE NOCASE,
  `cms_id` TEXT COLLATE NOCASE,
  `ins_type_code` INTEGER,
  `x12_receiver_id` TEXT COLLATE NOCASE,
  `x12_default_partner_id` INTEGER,
  `alt_cms_id` TEXT COLLATE NOCASE,
  `inactive` INTEGER NOT NULL DEFAULT 0,
  `eligibility_id` TEXT COLLATE NOCASE,
  `x12_default_eligibility_id` INTEGER,
  `cqm_sop` INTEGER,
  `date_created` DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `last_updated` DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (`id`)
);
CREATE UNIQUE INDEX `insurance_companies_uuid` ON `insurance_companies` (`uuid`);

CREATE TABLE `insurance_data` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `uuid` BLOB,
  `type` TEXT COLLATE NOCASE,
  `provider` TEXT COLLATE NOCASE,
  `plan_name` TEXT COLLATE NOCASE,
  `policy_number` TEXT COLLATE NOCASE,
  `group_number` TEXT COLLATE NOCASE,
  `subscriber_lname` TEXT COLLATE NOCASE,
  `subscriber_mname` TEXT COLLATE NOCASE,
  `subscriber_fname` TEXT COLLATE NOCASE,
  `subscriber_relationship` TEXT COLLATE NOCASE,
  `subscriber_ss` TEXT COLLATE NOCASE,
  `subscriber_DOB` DATE,
  `subscriber_street` TEXT COLLATE NOCASE,
  `subscriber_postal_code` TEXT COLLATE NOCASE,
  `subscriber_city` TEXT COLLATE NOCASE,
  `subscriber_state` TEXT COLLATE NOCASE,
  `subscriber_country` TEXT COLLATE NOCASE,
  `subscriber_phone` TEXT COLLATE NOCASE,
  `subscriber_employer` TEXT COLLATE NOCASE,
  `subscriber_employer_street` TEXT COLLATE NOCASE,
  `subscriber_employer_postal_code` TEXT COLLATE NOCASE,
  `subscriber_employer_state` TEXT COLLATE NOCASE,
  `subscriber_employer_country` TEXT COLLATE NOCASE,
  `subscriber_employer_city` TEXT COLLATE NOCASE,
  `copay` TEXT COLLATE NOCASE,
  `date` DATE,
  `pid` INTEGER NOT NULL DEFAULT 0,
  `subscriber_sex` TEXT COLLATE NOCASE,
  `accept_assignment` TEXT COLLATE NOCASE NOT NULL DEFAULT 'TRUE',
  `policy_type` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `subscriber_street_line_2` TEXT COLLATE NOCASE,
  `subscriber_employer_street_line_2` TEXT COLLATE NOCASE,
  `date_end` DATE
);
CREATE UNIQUE INDEX `insurance_data_pid_type_date` ON `insurance_data` (`pid`, `type`, `date`);
CREATE UNIQUE INDEX `insurance_data_uuid` ON `insurance_data` (`uuid`);

CREATE TABLE `keys` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `name` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `value` TEXT COLLATE NOCASE
);
CREATE UNIQUE INDEX `keys_name` ON `keys` (`name`);

CREATE TABLE `list_options` (
  `list_id` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `option_id` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `title` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `seq` INTEGER NOT NULL DEFAULT 0,
  `is_default` INTEGER NOT NULL DEFAULT 0,
  `option_value` REAL NOT NULL DEFAULT 0,
  `mapping` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `notes` TEXT COLLATE NOCASE,
  `codes` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `toggle_setting_1` INTEGER NOT NULL DEFAULT 0,
  `toggle_setting_2` INTEGER NOT NULL DEFAULT 0,
  `activity` INTEGER NOT NULL DEFAULT 1,
  `subtype` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `edit_options` INTEGER NOT NULL DEFAULT 1,
  `timestamp` TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `last_updated` DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (`list_id`, `option_id`)
);

CREATE TABLE `log` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `date` DATETIME,
  `event` TEXT COLLATE NOCASE,
  `category` TEXT COLLATE NOCASE,
  `user` TEXT COLLATE NOCASE,
  `groupname` TEXT COLLATE NOCASE,
  `comments` TEXT COLLATE NOCASE,
  `user_notes` TEXT COLLATE NOCASE,
  `patient_id` INTEGER,
  `success` INTEGER DEFAULT 1,
  `checksum` TEXT COLLATE NOCASE,
  `crt_user` TEXT COLLATE NOCASE,
  `log_from` TEXT COLLATE NOCASE DEFAULT 'open-emr',
  `menu_item_id` INTEGER,
  `ccda_doc_id` INTEGER
);
CREATE INDEX `log_patient_id` ON `log` (`patient_id`);

CREATE TABLE `log_comment_encrypt` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `log_id` INTEGER NOT NULL,
  `encrypt` TEXT COLLATE NOCASE NOT NULL DEFAULT 'No',
  `checksum` TEXT COLLATE NOCASE,
  `checksum_api` TEXT COLLATE NOCASE,
  `version` INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE `onsite_documents` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `pid` INTEGER,
  `facility` INTEGER,
  `provider` INTEGER,
  `encounter` INTEGER,
  `create_date` TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `doc_type` TEXT COLLATE NOCASE NOT NULL,
  `patient_signed_status` INTEGER NOT NULL,
  `patient_signed_time` DATETIME,
  `authorize_signed_time` DATETIME,
  `accept_signed_status` INTEGER NOT NULL,
  `authorizing_signator` TEXT COLLATE NOCASE NOT NULL,
  `review_date` DATETIME,
  `denial_reason` TEXT COLLATE NOCASE NOT NULL,
  `authorized_signature` TEXT COLLATE NOCASE,
  `patient_signature` TEXT COLLATE NOCASE,
  `full_document` BLOB,
  `file_name` TEXT COLLATE NOCASE NOT NULL,
  `file_path` TEXT COLLATE NOCASE NOT NULL,
  `template_data` TEXT COLLATE NOCASE
);

CREATE TABLE `onsite_mail` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `date` DATETIME,
  `owner` TEXT COLLATE NOCASE,
  `user` TEXT COLLATE NOCASE,
  `groupname` TEXT COLLATE NOCASE,
  `activity` INTEGER,
  `authorized` INTEGER,
  `header` TEXT COLLATE NOCASE,
  `title` TEXT COLLATE NOCASE,
  `body` TEXT COLLATE NOCASE,
  `recipient_id` TEXT COLLATE NOCASE,
  `recipient_name` TEXT COLLATE NOCASE,
  `sender_id` TEXT COLLATE NOCASE,
  `sender_name` TEXT COLLATE NOCASE,
  `assigned_to` TEXT COLLATE NOCASE,
  `deleted` INTEGER DEFAULT 0,
  `delete_date` DATETIME,
  `mtype` TEXT COLLATE NOCASE,
  `message_status` TEXT COLLATE NOCASE NOT NULL DEFAULT 'New',
  `mail_chain` INTEGER,
  `reply_mail_chain` INTEGER,
  `is_msg_encrypted` INTEGER DEFAULT 0
);
CREATE INDEX `onsite_mail_pid` ON `onsite_mail` (`owner`);

CREATE TABLE `onsite_portal_activity` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `date` DATETIME,
  `patient_id` INTEGER,
  `activity` TEXT COLLATE NOCASE,
  `require_audit` INTEGER DEFAULT 1,
  `pending_action` TEXT COLLATE NOCASE,
  `action_taken` TEXT COLLATE NOCASE,
  `status` TEXT COLLATE NOCASE,
  `narrative` TEXT COLLATE NOCASE,
  `table_action` TEXT COLLATE NOCASE,
  `table_args` TEXT COLLATE NOCASE,
  `action_user` INTEGER,
  `action_taken_time` DATETIME,
  `checksum` TEXT COLLATE NOCASE
);
CREATE INDEX `onsite_portal_activity_date` ON `onsite_portal_activity` (`date`);

CREATE TABLE `openemr_postcalendar_categories` (
  `pc_catid` INTEGER PRIMARY KEY AUTOINCREMENT,
  `pc_constant_id` TEXT COLLATE NOCASE,
  `pc_catname` TEXT COLLATE NOCASE,
  `pc_catcolor` TEXT COLLATE NOCASE,
  `pc_catdesc` TEXT COLLATE NOCASE,
  `pc_recurrtype` INTEGER NOT NULL DEFAULT 0,
  `pc_enddate` DATE,
  `pc_recurrspec` TEXT COLLATE NOCASE,
  `pc_recurrfreq` INTEGER NOT NULL DEFAULT 0,
  `pc_duration` INTEGER NOT NULL DEFAULT 0,
  `pc_end_date_flag` INTEGER NOT NULL DEFAULT 0,
  `pc_end_date_type` INTEGER,
  `pc_end_date_freq` INTEGER NOT NULL DEFAULT 0,
  `pc_end_all_day` INTEGER NOT NULL DEFAULT 0,
  `pc_dailylimit` INTEGER NOT NULL DEFAULT 0,
  `pc_cattype` INTEGER NOT NULL,
  `pc_active` INTEGER NOT NULL DEFAULT 1,
  `pc_seq` INTEGER NOT NULL DEFAULT 0,
  `aco_spec` TEXT COLLATE NOCASE NOT NULL DEFAULT 'encounters|notes',
  `pc_last_updated` DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX `openemr_postcalendar_categories_basic_cat` ON `openemr_postcalendar_categories` (`pc_catname`, `pc_catcolor`);
CREATE UNIQUE INDEX `openemr_postcalendar_categories_pc_constant_id` ON `openemr_postcalendar_categories` (`pc_constant_id`);

CREATE TABLE `openemr_postcalendar_events` (
  `pc_eid` INTEGER PRIMARY KEY AUTOINCREMENT,
  `pc_catid` INTEGER NOT NULL DEFAULT 0,
  `pc_multiple` INTEGER NOT NULL,
  `pc_aid` TEXT COLLATE NOCASE,
  `pc_pid` TEXT COLLATE NOCASE,
  `pc_gid` INTEGER DEFAULT 0,
  `pc_title` TEXT COLLATE NOCASE,
  `pc_time` DATETIME,
  `pc_hometext` TEXT COLLATE NOCASE,
  `pc_comments` INTEGER DEFAULT 0,
  `pc_counter` INTEGER DEFAULT 0,
  `pc_topic` INTEGER NOT NULL DEFAULT 1,
  `pc_informant` TEXT COLLATE NOCASE,
  `pc_eventDate` DATE NOT NULL,
  `pc_endDate` DATE,
  `pc_duration` INTEGER NOT NULL DEFAULT 0,
  `pc_recurrtype` INTEGER NOT NULL DEFAULT 0,
  `pc_recurrspec` TEXT COLLATE NOCASE,
  `pc_recurrfreq` INTEGER NOT NULL DEFAULT 0,
  `pc_startTime` TIME,
  `pc_endTime` TIME,
  `pc_alldayevent` INTEGER NOT NULL DEFAULT 0,
  `pc_location` TEXT COLLATE NOCASE,
  `pc_conttel` TEXT COLLATE NOCASE,
  `pc_contname` TEXT COLLATE NOCASE,
  `pc_contemail` TEXT COLLATE NOCASE,
  `pc_website` TEXT COLLATE NOCASE,
  `pc_fee` TEXT COLLATE NOCASE,
  `pc_eventstatus` INTEGER NOT NULL DEFAULT 0,
  `pc_sharing` INTEGER NOT NULL DEFAULT 0,
  `pc_language` TEXT COLLATE NOCASE,
  `pc_apptstatus` TEXT COLLATE NOCASE NOT NULL DEFAULT '-',
  `pc_prefcatid` INTEGER NOT NULL DEFAULT 0,
  `pc_facility` INTEGER NOT NULL DEFAULT 0,
  `pc_sendalertsms` TEXT COLLATE NOCASE NOT NULL DEFAULT 'NO',
  `pc_sendalertemail` TEXT COLLATE NOCASE NOT NULL DEFAULT 'NO',
  `pc_billing_location` INTEGER NOT NULL DEFAULT 0,
  `pc_room` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `uuid` BLOB
);
CREATE INDEX `openemr_postcalendar_events_basic_event` ON `openemr_postcalendar_events` (`pc_catid`, `pc_aid`, `pc_eventDate`, `pc_endDate`, `pc_eventstatus`, `pc_sharing`, `pc_topic`);
CREATE INDEX `openemr_postcalendar_events_pc_eventDate` ON `openemr_postcalendar_events` (`pc_eventDate`);
CREATE UNIQUE INDEX `openemr_postcalendar_events_uuid` ON `openemr_postcalendar_events` (`uuid`);

CREATE TABLE `patient_access_onsite` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `pid` INTEGER,
  `portal_username` TEXT COLLATE NOCASE,
  `portal_pwd` TEXT COLLATE NOCASE,
  `portal_pwd_status` INTEGER DEFAULT 1,
  `portal_login_username` TEXT COLLATE NOCASE,
  `portal_onetime` TEXT COLLATE NOCASE,
  `date_created` DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX `patient_access_onsite_pid` ON `patient_access_onsite` (`pid`);

CREATE TABLE `patient_data` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `uuid` BLOB,
  `title` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `language` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `financial` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `fname` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `lname` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `mname` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `DOB` DATE,
  `street` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `postal_code` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `city` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `state` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `country_code` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `drivers_license` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `ss` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `occupation` TEXT COLLATE NOCASE,
  `phone_home` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `phone_biz` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `phone_contact` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `phone_cell` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `pharmacy_id` INTEGER NOT NULL DEFAULT 0,
  `status` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `contact_relationship` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `date` DATETIME,
  `sex` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `referrer` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `referrerID` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `providerID` INTEGER,
  `ref_providerID` INTEGER,
  `email` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `email_direct` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `ethnoracial` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `race` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `ethnicity` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `religion` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `interpreter` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `interpreter_needed` TEXT COLLATE NOCASE,
  `migrantseasonal` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `family_size` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `monthly_income` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `billing_note` TEXT COLLATE NOCASE,
  `homeless` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `financial_review` DATETIME,
  `pubpid` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `pid` INTEGER NOT NULL DEFAULT 0,
  `genericname1` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `genericval1` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `genericname2` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `genericval2` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `hipaa_mail` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `hipaa_voice` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `hipaa_notice` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `hipaa_message` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `hipaa_allowsms` TEXT COLLATE NOCASE NOT NULL DEFAULT 'NO',
  `hipaa_allowemail` TEXT COLLATE NOCASE NOT NULL DEFAULT 'NO',
  `squad` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `fitness` INTEGER NOT NULL DEFAULT 0,
  `referral_source` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `usertext1` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `usertext2` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `usertext3` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `usertext4` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `usertext5` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `usertext6` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `usertext7` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `usertext8` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `userlist1` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `userlist2` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `userlist3` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `userlist4` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `userlist5` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `userlist6` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `userlist7` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `pricelevel` TEXT COLLATE NOCASE NOT NULL DEFAULT 'standard',
  `regdate` DATETIME,
  `contrastart` DATE,
  `completed_ad` TEXT COLLATE NOCASE NOT NULL DEFAULT 'NO',
  `ad_reviewed` DATETIME,
  `advance_directive_user_authenticator` INTEGER,
  `vfc` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `mothersname` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `guardiansname` TEXT COLLATE NOCASE,
  `allow_imm_reg_use` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `allow_imm_info_share` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `allow_health_info_ex` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `allow_patient_portal` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `deceased_date` DATETIME,
  `deceased_reason` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `soap_import_status` INTEGER,
  `cmsportal_login` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `care_team_provider` TEXT COLLATE NOCASE,
  `care_team_facility` TEXT COLLATE NOCASE,
  `care_team_status` TEXT COLLATE NOCASE,
  `county` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `industry` TEXT COLLATE NOCASE,
  `imm_reg_status` TEXT COLLATE NOCASE,
  `imm_reg_stat_effdate` TEXT COLLATE NOCASE,
  `publicity_code` TEXT COLLATE NOCASE,
  `publ_code_eff_date` TEXT COLLATE NOCASE,
  `protect_indicator` TEXT COLLATE NOCASE,
  `prot_indi_effdate` TEXT COLLATE NOCASE,
  `guardianrelationship` TEXT COLLATE NOCASE,
  `guardiansex` TEXT COLLATE NOCASE,
  `guardianaddress` TEXT COLLATE NOCASE,
  `guardiancity` TEXT COLLATE NOCASE,
  `guardianstate` TEXT COLLATE NOCASE,
  `guardianpostalcode` TEXT COLLATE NOCASE,
  `guardiancountry` TEXT COLLATE NOCASE,
  `guardianphone` TEXT COLLATE NOCASE,
  `guardianworkphone` TEXT COLLATE NOCASE,
  `guardianemail` TEXT COLLATE NOCASE,
  `sexual_orientation` TEXT COLLATE NOCASE,
  `gender_identity` TEXT COLLATE NOCASE,
  `birth_fname` TEXT COLLATE NOCASE,
  `birth_lname` TEXT COLLATE NOCASE,
  `birth_mname` TEXT COLLATE NOCASE,
  `dupscore` INTEGER NOT NULL DEFAULT -9,
  `name_history` TEXT COLLATE NOCASE,
  `suffix` TEXT COLLATE NOCASE,
  `street_line_2` TEXT COLLATE NOCASE,
  `patient_groups` TEXT COLLATE NOCASE,
  `prevent_portal_apps` TEXT COLLATE NOCASE,
  `provider_since_date` TEXT COLLATE NOCASE,
  `created_by` INTEGER,
  `updated_by` INTEGER,
  `preferred_name` TEXT COLLATE NOCASE,
  `nationality_country` TEXT COLLATE NOCASE,
  `last_updated` DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `tribal_affiliations` TEXT COLLATE NOCASE,
  `sex_identified` TEXT COLLATE NOCASE,
  `pronoun` TEXT COLLATE NOCASE
);
CREATE UNIQUE INDEX `patient_data_pid` ON `patient_data` (`pid`);
CREATE UNIQUE INDEX `patient_data_uuid` ON `patient_data` (`uuid`);

CREATE TABLE `patient_history` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `uuid` BLOB,
  `date` DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `care_team_provider` TEXT COLLATE NOCASE,
  `care_team_facility` TEXT COLLATE NOCASE,
  `pid` INTEGER NOT NULL,
  `history_type_key` TEXT COLLATE NOCASE,
  `previous_name_prefix` TEXT COLLATE NOCASE,
  `previous_name_first` TEXT COLLATE NOCASE,
  `previous_name_middle` TEXT COLLATE NOCASE,
  `previous_name_last` TEXT COLLATE NOCASE,
  `previous_name_suffix` TEXT COLLATE NOCASE,
  `previous_name_enddate` DATE,
  `created_by` INTEGER
);
CREATE INDEX `patient_history_pid_idx` ON `patient_history` (`pid`);
CREATE UNIQUE INDEX `patient_history_uuid` ON `patient_history` (`uuid`);

CREATE TABLE `patient_settings` (
  `setting_patient` INTEGER NOT NULL DEFAULT 0,
  `setting_label` TEXT COLLATE NOCASE NOT NULL,
  `setting_value` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  PRIMARY KEY (`setting_patient`, `setting_label`)
);

CREATE TABLE `patient_tracker` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `date` DATETIME,
  `apptdate` DATE,
  `appttime` TIME,
  `eid` INTEGER NOT NULL DEFAULT 0,
  `pid` INTEGER NOT NULL DEFAULT 0,
  `original_user` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `encounter` INTEGER NOT NULL DEFAULT 0,
  `lastseq` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `random_drug_test` INTEGER,
  `drug_screen_completed` INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX `patient_tracker_eid` ON `patient_tracker` (`eid`);
CREATE INDEX `patient_tracker_pid` ON `patient_tracker` (`pid`);

CREATE TABLE `patient_tracker_element` (
  `pt_tracker_id` INTEGER NOT NULL DEFAULT 0,
  `start_datetime` DATETIME,
  `room` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `status` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `seq` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `user` TEXT COLLATE NOCASE NOT NULL DEFAULT ''
);
CREATE INDEX `patient_tracker_element_pt_tracker_id` ON `patient_tracker_element` (`pt_tracker_id`, `seq`);

CREATE TABLE `pnotes` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `date` DATETIME,
  `body` TEXT COLLATE NOCASE,
  `pid` INTEGER,
  `user` TEXT COLLATE NOCASE,
  `groupname` TEXT COLLATE NOCASE,
  `activity` INTEGER,
  `authorized` INTEGER,
  `title` TEXT COLLATE NOCASE,
  `assigned_to` TEXT COLLATE NOCASE,
  `deleted` INTEGER DEFAULT 0,
  `message_status` TEXT COLLATE NOCASE NOT NULL DEFAULT 'New',
  `portal_relation` TEXT COLLATE NOCASE,
  `is_msg_encrypted` INTEGER DEFAULT 0,
  `update_by` INTEGER,
  `update_date` DATETIME
);
CREATE INDEX `pnotes_pid` ON `pnotes` (`pid`);

CREATE TABLE `sequences` (
  `id` INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE `users` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `uuid` BLOB,
  `username` TEXT COLLATE NOCASE,
  `password` TEXT COLLATE NOCASE,
  `authorized` INTEGER,
  `info` TEXT COLLATE NOCASE,
  `source` INTEGER,
  `fname` TEXT COLLATE NOCASE,
  `mname` TEXT COLLATE NOCASE,
  `lname` TEXT COLLATE NOCASE,
  `suffix` TEXT COLLATE NOCASE,
  `federaltaxid` TEXT COLLATE NOCASE,
  `federaldrugid` TEXT COLLATE NOCASE,
  `upin` TEXT COLLATE NOCASE,
  `facility` TEXT COLLATE NOCASE,
  `facility_id` INTEGER NOT NULL DEFAULT 0,
  `see_auth` INTEGER NOT NULL DEFAULT 1,
  `active` INTEGER NOT NULL DEFAULT 1,
  `npi` TEXT COLLATE NOCASE,
  `title` TEXT COLLATE NOCASE,
  `specialty` TEXT COLLATE NOCASE,
  `billname` TEXT COLLATE NOCASE,
  `email` TEXT COLLATE NOCASE,
  `email_direct` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `google_signin_email` TEXT COLLATE NOCASE,
  `url` TEXT COLLATE NOCASE,
  `assistant` TEXT COLLATE NOCASE,
  `organization` TEXT COLLATE NOCASE,
  `valedictory` TEXT COLLATE NOCASE,
  `street` TEXT COLLATE NOCASE,
  `streetb` TEXT COLLATE NOCASE,
  `city` TEXT COLLATE NOCASE,
  `state` TEXT COLLATE NOCASE,
  `zip` TEXT COLLATE NOCASE,
  `country_code` TEXT COLLATE NOCASE,
  `street2` TEXT COLLATE NOCASE,
  `streetb2` TEXT COLLATE NOCASE,
  `city2` TEXT COLLATE NOCASE,
  `state2` TEXT COLLATE NOCASE,
  `zip2` TEXT COLLATE NOCASE,
  `country_code2` TEXT COLLATE NOCASE,
  `phone` TEXT COLLATE NOCASE,
  `fax` TEXT COLLATE NOCASE,
  `phonew1` TEXT COLLATE NOCASE,
  `phonew2` TEXT COLLATE NOCASE,
  `phonecell` TEXT COLLATE NOCASE,
  `notes` TEXT COLLATE NOCASE,
  `cal_ui` INTEGER NOT NULL DEFAULT 1,
  `taxonomy` TEXT COLLATE NOCASE NOT NULL DEFAULT '207Q00000X',
  `calendar` INTEGER NOT NULL DEFAULT 0,
  `abook_type` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `default_warehouse` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `irnpool` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `state_license_number` TEXT COLLATE NOCASE,
  `weno_prov_id` TEXT COLLATE NOCASE,
  `newcrop_user_role` TEXT COLLATE NOCASE,
  `cpoe` INTEGER,
  `physician_type` TEXT COLLATE NOCASE,
  `main_menu_role` TEXT COLLATE NOCASE NOT NULL DEFAULT 'standard',
  `patient_menu_role` TEXT COLLATE NOCASE NOT NULL DEFAULT 'standard',
  `portal_user` INTEGER NOT NULL DEFAULT 0,
  `supervisor_id` INTEGER NOT NULL DEFAULT 0,
  `billing_facility` TEXT COLLATE NOCASE,
  `billing_facility_id` INTEGER NOT NULL DEFAULT 0,
  `date_created` DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `last_updated` DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX `users_abook_type` ON `users` (`abook_type`);
CREATE UNIQUE INDEX `users_google_signin_email` ON `users` (`google_signin_email`);
CREATE UNIQUE INDEX `users_uuid` ON `users` (`uuid`);

CREATE TABLE `users_facility` (
  `tablename` TEXT COLLATE NOCASE NOT NULL,
  `table_id` INTEGER NOT NULL,
  `facility_id` INTEGER NOT NULL,
  `warehouse_id` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  PRIMARY KEY (`tablename`, `table_id`, `facility_id`, `warehouse_id`)
);

CREATE TABLE `users_secure` (
  `id` INT NOT NULL,
  `username` TEXT COLLATE NOCASE,
  `password` TEXT COLLATE NOCASE,
  `last_update_password` DATETIME,
  `last_update` TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  `password_history1` TEXT COLLATE NOCASE,
  `password_history2` TEXT COLLATE NOCASE,
  `password_history3` TEXT COLLATE NOCASE,
  `password_history4` TEXT COLLATE NOCASE,
  `last_challenge_response` DATETIME,
  `login_work_area` TEXT COLLATE NOCASE,
  `total_login_fail_counter` INTEGER DEFAULT 0,
  `login_fail_counter` INTEGER DEFAULT 0,
  `last_login_fail` DATETIME,
  `auto_block_emailed` INTEGER DEFAULT 0,
  PRIMARY KEY (`id`)
);
CREATE UNIQUE INDEX `users_secure_USERNAME_ID` ON `users_secure` (`id`, `username`);

CREATE TABLE `uuid_mapping` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `uuid` BLOB NOT NULL DEFAULT x'00000000000000000000000000000000',
  `resource` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `resource_path` TEXT COLLATE NOCASE,
  `table` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `target_uuid` BLOB NOT NULL DEFAULT x'00000000000000000000000000000000',
  `created` TIMESTAMP
);
CREATE INDEX `uuid_mapping_resource` ON `uuid_mapping` (`resource`);
CREATE INDEX `uuid_mapping_table` ON `uuid_mapping` (`table`);
CREATE INDEX `uuid_mapping_target_uuid` ON `uuid_mapping` (`target_uuid`);
CREATE INDEX `uuid_mapping_uuid` ON `uuid_mapping` (`uuid`);

CREATE TABLE `uuid_registry` (
  `uuid` BLOB NOT NULL DEFAULT x'00000000000000000000000000000000',
  `table_name` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `table_id` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `table_vertical` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `couchdb` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `document_drive` INTEGER NOT NULL DEFAULT 0,
  `mapped` INTEGER NOT NULL DEFAULT 0,
  `created` TIMESTAMP,
  PRIMARY KEY (`uuid`)
);

CREATE TABLE `verify_email` (
  `id` INTEGER PRIMARY KEY AUTOINCREMENT,
  `pid_holder` INTEGER,
  `email` TEXT COLLATE NOCASE,
  `language` TEXT COLLATE NOCASE,
  `fname` TEXT COLLATE NOCASE,
  `mname` TEXT COLLATE NOCASE,
  `lname` TEXT COLLATE NOCASE,
  `dob` DATE,
  `token_onetime` TEXT COLLATE NOCASE,
  `active` INTEGER NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX `verify_email_email` ON `verify_email` (`email`);

CREATE TABLE `version` (
  `v_major` INTEGER NOT NULL DEFAULT 0,
  `v_minor` INTEGER NOT NULL DEFAULT 0,
  `v_patch` INTEGER NOT NULL DEFAULT 0,
  `v_realpatch` INTEGER NOT NULL DEFAULT 0,
  `v_tag` TEXT COLLATE NOCASE NOT NULL DEFAULT '',
  `v_database` INTEGER NOT NULL DEFAULT 0,
  `v_acl` INTEGER NOT NULL DEFAULT 0
);

INSERT INTO `version` (`v_major`, `v_minor`, `v_patch`, `v_realpatch`, `v_tag`, `v_database`, `v_acl`) VALUES
  (8, 2, 0, 0, '', 541, 13);
INSERT INTO `sequences` (`id`) VALUES
  (1);
INSERT INTO `categories` (`id`, `name`, `value`, `parent`, `lft`, `rght`, `aco_spec`, `codes`) VALUES
  (1, 'Categories', '', 0, 0, 67, 'patients|docs', ''),
  (2, 'Lab Report', '', 1, 1, 2, 'patients|docs', ''),
  (3, 'Medical Record', '', 1, 3, 4, 'patients|docs', ''),
  (4, 'Patient Information', '', 1, 5, 10, 'patients|demo', ''),
  (5, 'Patient ID card', '', 4, 6, 7, 'patients|demo', ''),
  (6, 'Advance Directive', '', 1, 11, 18, 'patients|docs', ''),
  (7, 'Do Not Resuscitate Order', '', 6, 12, 13, 'patients|docs', ''),
  (8, 'Durable Power of Attorney', '', 6, 14, 15, 'patients|docs', ''),
  (9, 'Living Will', '', 6, 16, 17, 'patients|docs', ''),
  (10, 'Patient Photograph', '', 4, 8, 9, 'patients|demo', ''),
  (11, 'CCR', '', 1, 19, 20, 'patients|docs', ''),
  (12, 'CCD', '', 1, 21, 22, 'patients|docs', 'LOINC:34133-9'),
  (13, 'CCDA', '', 1, 23, 24, 'patients|docs', ''),
  (14, 'Eye Module', '', 1, 25, 56, 'patients|docs', ''),
  (15, 'Communication - Eye', '', 14, 26, 27, 'patients|docs', ''),
  (16, 'Encounters - Eye', '', 14, 28, 29, 'patients|docs', ''),
  (17, 'Imaging - Eye', '', 14, 30, 49, 'patients|docs', ''),
  (18, 'OCT - Eye', '', 17, 31, 32, 'patients|docs', ''),
  (19, 'FA/ICG - Eye', '', 17, 33, 34, 'patients|docs', ''),
  (20, 'External Photos - Eye', '', 17, 35, 36, 'patients|docs', ''),
  (21, 'AntSeg Photos - Eye', '', 17, 37, 38, 'patients|docs', ''),
  (22, 'Optic Disc - Eye', '', 17, 39, 40, 'patients|docs', ''),
  (23, 'Fundus - Eye', '', 17, 41, 42, 'patients|docs', ''),
  (24, 'Radiology - Eye', '', 17, 43, 44, 'patients|docs', ''),
  (25, 'VF - Eye', '', 17, 45, 46, 'patients|docs', ''),
  (26, 'Drawings - Eye', '', 17, 47, 48, 'patients|docs', ''),
  (27, 'Onsite Portal', '', 1, 57, 62, 'patients|docs', ''),
  (28, 'Patient', '', 27, 58, 59, 'patients|docs', ''),
  (29, 'Reviewed', '', 27, 60, 61, 'patients|docs', 'LOINC:LP173394-0'),
  (30, 'FHIR Export Document', '', 1, 63, 64, 'admin|super', 'LOINC:LP173421-1'),
  (31, 'Invoices', '', 1, 65, 66, 'encounters|coding', ''),
  (32, 'AntSeg Laser - Eye', '', 14, 50, 51, 'patients|docs', ''),
  (33, 'Retina Laser - Eye', '', 14, 52, 53, 'patients|docs', ''),
  (34, 'Injections - Eye', '', 14, 54, 55, 'patients|docs', '');
