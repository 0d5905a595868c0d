-- The tables of OpenEMR 7.0.4 for MariaDB, as the tests need them.
-- The project's own text, generated from the column tables by
--     python3 tests/openemr/generate.py FOLDER
-- Do not edit by hand.
-- sql_mode is emptied for the zero-date defaults (facts 6.1).
SET sql_mode='';
SET NAMES utf8mb4;

CREATE TABLE `addresses` (
  `id` int(11) NOT NULL DEFAULT 0,
  `line1` varchar(255) NULL DEFAULT NULL,
  `line2` varchar(255) NULL DEFAULT NULL,
  `city` varchar(255) NULL DEFAULT NULL,
  `state` varchar(35) NULL DEFAULT NULL,
  `zip` varchar(10) NULL DEFAULT NULL,
  `plus_four` varchar(4) NULL DEFAULT NULL,
  `country` varchar(255) NULL DEFAULT NULL,
  `foreign_id` int(11) NULL DEFAULT NULL,
  `district` varchar(255) NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `foreign_id` (`foreign_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `api_log` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `log_id` int(11) NOT NULL,
  `user_id` bigint(20) NOT NULL,
  `patient_id` bigint(20) NOT NULL,
  `ip_address` varchar(255) NOT NULL,
  `method` varchar(20) NOT NULL,
  `request` varchar(255) NOT NULL,
  `request_url` text NULL DEFAULT NULL,
  `request_body` longtext NULL DEFAULT NULL,
  `response` longtext NULL DEFAULT NULL,
  `created_time` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `calendar_external` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `date` date NOT NULL,
  `description` varchar(45) NOT NULL,
  `source` varchar(45) NULL DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `categories` (
  `id` int(11) NOT NULL DEFAULT 0,
  `name` varchar(255) NULL DEFAULT NULL,
  `value` varchar(255) NULL DEFAULT NULL,
  `parent` int(11) NOT NULL DEFAULT 0,
  `lft` int(11) NOT NULL DEFAULT 0,
  `rght` int(11) NOT NULL DEFAULT 0,
  `aco_spec` varchar(63) NOT NULL DEFAULT 'patients|docs',
  `codes` varchar(255) NOT NULL DEFAULT '',
  PRIMARY KEY (`id`),
  KEY `lft` (`lft`, `rght`),
  KEY `parent` (`parent`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `categories_to_documents` (
  `category_id` int(11) NOT NULL DEFAULT 0,
  `document_id` int(11) NOT NULL DEFAULT 0,
  PRIMARY KEY (`category_id`, `document_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `contact` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `foreign_table_name` varchar(255) NOT NULL DEFAULT '',
  `foreign_id` bigint(20) NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  KEY `foreign_id` (`foreign_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `contact_address` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `contact_id` bigint(20) NOT NULL,
  `address_id` bigint(20) NOT NULL,
  `priority` int(11) NULL DEFAULT NULL,
  `type` varchar(255) NULL DEFAULT NULL,
  `use` varchar(255) NULL DEFAULT NULL,
  `notes` tinytext NULL DEFAULT NULL,
  `status` char(1) NULL DEFAULT NULL,
  `is_primary` char(1) NULL DEFAULT NULL,
  `period_start` datetime NULL DEFAULT NULL,
  `period_end` datetime NULL DEFAULT NULL,
  `created_date` datetime NOT NULL DEFAULT current_timestamp(),
  `inactivated_reason` varchar(45) NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `address_id` (`address_id`),
  KEY `contact_address_idx` (`contact_id`, `address_id`),
  KEY `contact_id` (`contact_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `documents` (
  `id` int(11) NOT NULL DEFAULT 0,
  `uuid` binary(16) NULL DEFAULT NULL,
  `type` enum('file_url','blob','web_url') NULL DEFAULT NULL,
  `size` int(11) NULL DEFAULT NULL,
  `date` datetime NULL DEFAULT NULL,
  `date_expires` datetime NULL DEFAULT NULL,
  `url` varchar(255) NULL DEFAULT NULL,
  `thumb_url` varchar(255) NULL DEFAULT NULL,
  `mimetype` varchar(255) NULL DEFAULT NULL,
  `pages` int(11) NULL DEFAULT NULL,
  `owner` int(11) NULL DEFAULT NULL,
  `revision` timestamp NOT NULL,
  `foreign_id` bigint(20) NULL DEFAULT NULL,
  `docdate` date NULL DEFAULT NULL,
  `hash` varchar(255) NULL DEFAULT NULL,
  `list_id` bigint(20) NOT NULL DEFAULT 0,
  `name` varchar(255) NULL DEFAULT NULL,
  `drive_uuid` binary(16) NULL DEFAULT NULL,
  `couch_docid` varchar(100) NULL DEFAULT NULL,
  `couch_revid` varchar(100) NULL DEFAULT NULL,
  `storagemethod` tinyint(4) NOT NULL DEFAULT 0,
  `path_depth` tinyint(4) NULL DEFAULT 1,
  `imported` tinyint(4) NULL DEFAULT 0,
  `encounter_id` bigint(20) NOT NULL DEFAULT 0,
  `encounter_check` tinyint(1) NOT NULL DEFAULT 0,
  `audit_master_approval_status` tinyint(4) NOT NULL DEFAULT 1,
  `audit_master_id` int(11) NULL DEFAULT NULL,
  `documentationOf` varchar(255) NULL DEFAULT NULL,
  `encrypted` tinyint(4) NOT NULL DEFAULT 0,
  `document_data` mediumtext NULL DEFAULT NULL,
  `deleted` tinyint(1) NOT NULL DEFAULT 0,
  `foreign_reference_id` bigint(20) NULL DEFAULT NULL,
  `foreign_reference_table` varchar(40) NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `drive_uuid` (`drive_uuid`),
  KEY `foreign_id` (`foreign_id`),
  KEY `foreign_reference` (`foreign_reference_id`, `foreign_reference_table`),
  KEY `owner` (`owner`),
  KEY `revision` (`revision`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `document_templates` (
  `id` bigint(21) unsigned NOT NULL AUTO_INCREMENT,
  `pid` bigint(20) NULL DEFAULT NULL,
  `provider` int(11) unsigned NULL DEFAULT NULL,
  `encounter` int(11) unsigned NULL DEFAULT NULL,
  `modified_date` datetime NOT NULL DEFAULT current_timestamp(),
  `profile` varchar(63) NOT NULL,
  `category` varchar(63) NOT NULL,
  `location` varchar(255) NULL DEFAULT NULL,
  `template_name` varchar(255) NULL DEFAULT NULL,
  `status` varchar(31) NULL DEFAULT NULL,
  `send_date` datetime NOT NULL DEFAULT current_timestamp(),
  `end_date` datetime NULL DEFAULT NULL,
  `size` int(11) NOT NULL DEFAULT 0,
  `template_content` mediumblob NULL DEFAULT NULL,
  `mime` varchar(31) NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `location` (`pid`, `profile`, `category`, `template_name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `document_template_profiles` (
  `id` bigint(21) unsigned NOT NULL AUTO_INCREMENT,
  `template_id` bigint(21) unsigned NOT NULL,
  `profile` varchar(64) NOT NULL,
  `template_name` varchar(255) NOT NULL,
  `category` varchar(64) NOT NULL,
  `provider` int(11) unsigned NULL DEFAULT NULL,
  `modified_date` datetime NOT NULL DEFAULT current_timestamp(),
  `member_of` varchar(64) NOT NULL,
  `active` tinyint(1) NOT NULL DEFAULT 0,
  `recurring` tinyint(1) NOT NULL DEFAULT 1,
  `event_trigger` varchar(31) NOT NULL,
  `period` int(4) NOT NULL,
  `notify_trigger` varchar(31) NOT NULL,
  `notify_period` int(4) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `location` (`profile`, `template_id`, `member_of`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `email_queue` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `sender` varchar(255) NULL DEFAULT '',
  `recipient` varchar(255) NULL DEFAULT '',
  `subject` varchar(255) NULL DEFAULT '',
  `body` text NULL DEFAULT NULL,
  `datetime_queued` datetime NULL DEFAULT NULL,
  `sent` tinyint(4) NULL DEFAULT 0,
  `datetime_sent` datetime NULL DEFAULT NULL,
  `error` tinyint(4) NULL DEFAULT 0,
  `error_message` text NULL DEFAULT NULL,
  `datetime_error` datetime NULL DEFAULT NULL,
  `template_name` varchar(255) NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `sent` (`sent`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `employer_data` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `name` varchar(255) NULL DEFAULT NULL,
  `street` varchar(255) NULL DEFAULT NULL,
  `street_line_2` tinytext NULL DEFAULT NULL,
  `postal_code` varchar(255) NULL DEFAULT NULL,
  `city` varchar(255) NULL DEFAULT NULL,
  `state` varchar(255) NULL DEFAULT NULL,
  `country` varchar(255) NULL DEFAULT NULL,
  `date` datetime NULL DEFAULT NULL,
  `pid` bigint(20) NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  KEY `pid` (`pid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `esign_signatures` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `tid` int(11) NOT NULL,
  `table` varchar(255) NOT NULL,
  `uid` int(11) NOT NULL,
  `datetime` datetime NOT NULL,
  `is_lock` tinyint(1) NOT NULL DEFAULT 0,
  `amendment` text NULL DEFAULT NULL,
  `hash` varchar(255) NOT NULL,
  `signature_hash` varchar(255) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `table` (`table`),
  KEY `tid` (`tid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `export_job` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL DEFAULT NULL,
  `user_id` varchar(40) NOT NULL,
  `client_id` varchar(80) NOT NULL,
  `status` varchar(40) NOT NULL,
  `start_time` datetime NULL DEFAULT NULL,
  `resource_include_time` datetime NULL DEFAULT NULL,
  `output_format` varchar(128) NOT NULL,
  `request_uri` varchar(128) NOT NULL,
  `resources` text NULL DEFAULT NULL,
  `output` text NULL DEFAULT NULL,
  `errors` text NULL DEFAULT NULL,
  `access_token_id` text NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `facility` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL DEFAULT NULL,
  `name` varchar(255) NULL DEFAULT NULL,
  `phone` varchar(30) NULL DEFAULT NULL,
  `fax` varchar(30) NULL DEFAULT NULL,
  `street` varchar(255) NULL DEFAULT NULL,
  `city` varchar(255) NULL DEFAULT NULL,
  `state` varchar(50) NULL DEFAULT NULL,
  `postal_code` varchar(11) NULL DEFAULT NULL,
  `country_code` varchar(30) NOT NULL DEFAULT '',
  `federal_ein` varchar(15) NULL DEFAULT NULL,
  `website` varchar(255) NULL DEFAULT NULL,
  `email` varchar(255) NULL DEFAULT NULL,
  `service_location` tinyint(1) NOT NULL DEFAULT 1,
  `billing_location` tinyint(1) NOT NULL DEFAULT 1,
  `accepts_assignment` tinyint(1) NOT NULL DEFAULT 1,
  `pos_code` tinyint(4) NULL DEFAULT NULL,
  `x12_sender_id` varchar(25) NULL DEFAULT NULL,
  `attn` varchar(65) NULL DEFAULT NULL,
  `domain_identifier` varchar(60) NULL DEFAULT NULL,
  `facility_npi` varchar(15) NULL DEFAULT NULL,
  `facility_taxonomy` varchar(15) NULL DEFAULT NULL,
  `tax_id_type` varchar(31) NOT NULL DEFAULT '',
  `color` varchar(7) NOT NULL DEFAULT '',
  `primary_business_entity` int(10) NOT NULL DEFAULT 1,
  `facility_code` varchar(31) NULL DEFAULT NULL,
  `extra_validation` tinyint(1) NOT NULL DEFAULT 1,
  `mail_street` varchar(30) NULL DEFAULT NULL,
  `mail_street2` varchar(30) NULL DEFAULT NULL,
  `mail_city` varchar(50) NULL DEFAULT NULL,
  `mail_state` varchar(3) NULL DEFAULT NULL,
  `mail_zip` varchar(10) NULL DEFAULT NULL,
  `oid` varchar(255) NOT NULL DEFAULT '',
  `iban` varchar(50) NULL DEFAULT NULL,
  `info` text NULL DEFAULT NULL,
  `weno_id` varchar(10) NULL DEFAULT NULL,
  `inactive` tinyint(1) NOT NULL DEFAULT 0,
  `date_created` datetime NOT NULL DEFAULT current_timestamp(),
  `last_updated` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `forms` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `date` datetime NULL DEFAULT NULL,
  `encounter` bigint(20) NULL DEFAULT NULL,
  `form_name` longtext NULL DEFAULT NULL,
  `form_id` bigint(20) NULL DEFAULT NULL,
  `pid` bigint(20) NULL DEFAULT NULL,
  `user` varchar(255) NULL DEFAULT NULL,
  `groupname` varchar(255) NULL DEFAULT NULL,
  `authorized` tinyint(4) NULL DEFAULT NULL,
  `deleted` tinyint(4) NOT NULL DEFAULT 0,
  `formdir` longtext NULL DEFAULT NULL,
  `therapy_group_id` int(11) NULL DEFAULT NULL,
  `issue_id` bigint(20) NOT NULL DEFAULT 0,
  `provider_id` bigint(20) NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  KEY `form_id` (`form_id`),
  KEY `pid_encounter` (`pid`, `encounter`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `form_encounter` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL DEFAULT NULL,
  `date` datetime NULL DEFAULT NULL,
  `reason` longtext NULL DEFAULT NULL,
  `facility` longtext NULL DEFAULT NULL,
  `facility_id` int(11) NOT NULL DEFAULT 0,
  `pid` bigint(20) NULL DEFAULT NULL,
  `encounter` bigint(20) NULL DEFAULT NULL,
  `onset_date` datetime NULL DEFAULT NULL,
  `sensitivity` varchar(30) NULL DEFAULT NULL,
  `billing_note` text NULL DEFAULT NULL,
  `pc_catid` int(11) NOT NULL DEFAULT 5,
  `last_level_billed` int(11) NOT NULL DEFAULT 0,
  `last_level_closed` int(11) NOT NULL DEFAULT 0,
  `last_stmt_date` date NULL DEFAULT NULL,
  `stmt_count` int(11) NOT NULL DEFAULT 0,
  `provider_id` int(11) NULL DEFAULT 0,
  `supervisor_id` int(11) NULL DEFAULT 0,
  `invoice_refno` varchar(31) NOT NULL DEFAULT '',
  `referral_source` varchar(31) NOT NULL DEFAULT '',
  `billing_facility` int(11) NOT NULL DEFAULT 0,
  `external_id` varchar(20) NULL DEFAULT NULL,
  `pos_code` tinyint(4) NULL DEFAULT NULL,
  `parent_encounter_id` bigint(20) NULL DEFAULT NULL,
  `class_code` varchar(10) NOT NULL DEFAULT 'AMB',
  `shift` varchar(31) NOT NULL DEFAULT '',
  `voucher_number` varchar(255) NOT NULL DEFAULT '',
  `discharge_disposition` varchar(100) NULL DEFAULT NULL,
  `encounter_type_code` varchar(31) NULL DEFAULT NULL,
  `encounter_type_description` text NULL DEFAULT NULL,
  `referring_provider_id` int(11) NULL DEFAULT 0,
  `date_end` datetime NULL DEFAULT NULL,
  `in_collection` tinyint(1) NULL DEFAULT NULL,
  `last_update` timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE CURRENT_TIMESTAMP,
  `ordering_provider_id` int(11) NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  KEY `encounter_date` (`date`),
  KEY `pid_encounter` (`pid`, `encounter`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_acl` (
  `id` int(11) NOT NULL DEFAULT 0,
  `section_value` varchar(150) NOT NULL DEFAULT 'system',
  `allow` int(11) NOT NULL DEFAULT 0,
  `enabled` int(11) NOT NULL DEFAULT 0,
  `return_value` text NULL DEFAULT NULL,
  `note` text NULL DEFAULT NULL,
  `updated_date` int(11) NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  KEY `gacl_enabled_acl` (`enabled`),
  KEY `gacl_section_value_acl` (`section_value`),
  KEY `gacl_updated_date_acl` (`updated_date`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aco` (
  `id` int(11) NOT NULL DEFAULT 0,
  `section_value` varchar(150) NOT NULL DEFAULT '0',
  `value` varchar(150) NOT NULL,
  `order_value` int(11) NOT NULL DEFAULT 0,
  `name` varchar(255) NOT NULL,
  `hidden` int(11) NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  KEY `gacl_hidden_aco` (`hidden`),
  UNIQUE KEY `gacl_section_value_value_aco` (`section_value`, `value`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aco_map` (
  `acl_id` int(11) NOT NULL DEFAULT 0,
  `section_value` varchar(150) NOT NULL DEFAULT '0',
  `value` varchar(150) NOT NULL,
  PRIMARY KEY (`acl_id`, `section_value`, `value`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aco_sections` (
  `id` int(11) NOT NULL DEFAULT 0,
  `value` varchar(150) NOT NULL,
  `order_value` int(11) NOT NULL DEFAULT 0,
  `name` varchar(230) NOT NULL,
  `hidden` int(11) NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  KEY `gacl_hidden_aco_sections` (`hidden`),
  UNIQUE KEY `gacl_value_aco_sections` (`value`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aro` (
  `id` int(11) NOT NULL DEFAULT 0,
  `section_value` varchar(150) NOT NULL DEFAULT '0',
  `value` varchar(150) NOT NULL,
  `order_value` int(11) NOT NULL DEFAULT 0,
  `name` varchar(255) NOT NULL,
  `hidden` int(11) NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  KEY `gacl_hidden_aro` (`hidden`),
  UNIQUE KEY `gacl_section_value_value_aro` (`section_value`, `value`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aro_groups` (
  `id` int(11) NOT NULL DEFAULT 0,
  `parent_id` int(11) NOT NULL DEFAULT 0,
  `lft` int(11) NOT NULL DEFAULT 0,
  `rgt` int(11) NOT NULL DEFAULT 0,
  `name` varchar(255) NOT NULL,
  `value` varchar(150) NOT NULL,
  PRIMARY KEY (`id`, `value`),
  KEY `gacl_lft_rgt_aro_groups` (`lft`, `rgt`),
  KEY `gacl_parent_id_aro_groups` (`parent_id`),
  UNIQUE KEY `gacl_value_aro_groups` (`value`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aro_groups_map` (
  `acl_id` int(11) NOT NULL DEFAULT 0,
  `group_id` int(11) NOT NULL DEFAULT 0,
  PRIMARY KEY (`acl_id`, `group_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aro_map` (
  `acl_id` int(11) NOT NULL DEFAULT 0,
  `section_value` varchar(150) NOT NULL DEFAULT '0',
  `value` varchar(150) NOT NULL,
  PRIMARY KEY (`acl_id`, `section_value`, `value`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_aro_sections` (
  `id` int(11) NOT NULL DEFAULT 0,
  `value` varchar(150) NOT NULL,
  `order_value` int(11) NOT NULL DEFAULT 0,
  `name` varchar(230) NOT NULL,
  `hidden` int(11) NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  KEY `gacl_hidden_aro_sections` (`hidden`),
  UNIQUE KEY `gacl_value_aro_sections` (`value`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `gacl_groups_aro_map` (
  `group_id` int(11) NOT NULL DEFAULT 0,
  `aro_id` int(11) NOT NULL DEFAULT 0,
  PRIMARY KEY (`group_id`, `aro_id`),
  KEY `gacl_aro_id` (`aro_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `globals` (
  `gl_name` varchar(63) NOT NULL,
  `gl_index` int(11) NOT NULL DEFAULT 0,
  `gl_value` varchar(255) NOT NULL DEFAULT '',
  PRIMARY KEY (`gl_name`, `gl_index`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `insurance_companies` (
  `id` int(11) NOT NULL DEFAULT 0,
  `uuid` binary(16) NULL DEFAULT NULL,
  `name` varchar(255) NULL DEFAULT NULL,
  `attn` varchar(255) NULL DEFAULT NULL,
  `cms_id` varchar(15) NULL DEFAULT NULL,
  `ins_type_code` int(11) NULL DEFAULT NULL,
  `x12_receiver_id` varchar(25) NULL DEFAULT NULL,
  `x12_default_partner_id` int(11) NULL DEFAULT NULL,
  `alt_cms_id` varchar(15) NULL DEFAULT NULL,
  `inactive` tinyint(1) NOT NULL DEFAULT 0,
  `eligibility_id` varchar(32) NULL DEFAULT NULL,
  `x12_default_eligibility_id` int(11) NULL DEFAULT NULL,
  `cqm_sop` int(11) NULL DEFAULT NULL,
  `date_created` datetime NOT NULL DEFAULT current_timestamp(),
  `last_updated` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `insurance_data` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL DEFAULT NULL,
  `type` enum('primary','secondary','tertiary') NULL DEFAULT NULL,
  `provider` varchar(255) NULL DEFAULT NULL,
  `plan_name` varchar(255) NULL DEFAULT NULL,
  `policy_number` varchar(255) NULL DEFAULT NULL,
  `group_number` varchar(255) NULL DEFAULT NULL,
  `subscriber_lname` varchar(255) NULL DEFAULT NULL,
  `subscriber_mname` varchar(255) NULL DEFAULT NULL,
  `subscriber_fname` varchar(255) NULL DEFAULT NULL,
  `subscriber_relationship` varchar(255) NULL DEFAULT NULL,
  `subscriber_ss` varchar(255) NULL DEFAULT NULL,
  `subscriber_DOB` date NULL DEFAULT NULL,
  `subscriber_street` varchar(255) NULL DEFAULT NULL,
  `subscriber_postal_code` varchar(255) NULL DEFAULT NULL,
  `subscriber_city` varchar(255) NULL DEFAULT NULL,
  `subscriber_state` varchar(255) NULL DEFAULT NULL,
  `subscriber_country` varchar(255) NULL DEFAULT NULL,
  `subscriber_phone` varchar(255) NULL DEFAULT NULL,
  `subscriber_employer` varchar(255) NULL DEFAULT NULL,
  `subscriber_employer_street` varchar(255) NULL DEFAULT NULL,
  `subscriber_employer_postal_code` varchar(255) NULL DEFAULT NULL,
  `subscriber_employer_state` varchar(255) NULL DEFAULT NULL,
  `subscriber_employer_country` varchar(255) NULL DEFAULT NULL,
  `subscriber_employer_city` varchar(255) NULL DEFAULT NULL,
  `copay` varchar(255) NULL DEFAULT NULL,
  `date` date NULL DEFAULT NULL,
  `pid` bigint(20) NOT NULL DEFAULT 0,
  `subscriber_sex` varchar(25) NULL DEFAULT NULL,
  `accept_assignment` varchar(5) NOT NULL DEFAULT 'TRUE',
  `policy_type` varchar(25) NOT NULL DEFAULT '',
  `subscriber_street_line_2` tinytext NULL DEFAULT NULL,
  `subscriber_employer_street_line_2` tinytext NULL DEFAULT NULL,
  `date_end` date NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `pid_type_date` (`pid`, `type`, `date`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `insurance_type_codes` (
  `id` int(2) NOT NULL,
  `type` varchar(60) NOT NULL,
  `claim_type` text NULL DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `keys` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `name` varchar(20) NOT NULL DEFAULT '',
  `value` text NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `name` (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `list_options` (
  `list_id` varchar(100) NOT NULL DEFAULT '',
  `option_id` varchar(100) NOT NULL DEFAULT '',
  `title` varchar(255) NOT NULL DEFAULT '',
  `seq` int(11) NOT NULL DEFAULT 0,
  `is_default` tinyint(1) NOT NULL DEFAULT 0,
  `option_value` float NOT NULL DEFAULT 0,
  `mapping` varchar(31) NOT NULL DEFAULT '',
  `notes` text NULL DEFAULT NULL,
  `codes` varchar(255) NOT NULL DEFAULT '',
  `toggle_setting_1` tinyint(1) NOT NULL DEFAULT 0,
  `toggle_setting_2` tinyint(1) NOT NULL DEFAULT 0,
  `activity` tinyint(4) NOT NULL DEFAULT 1,
  `subtype` varchar(31) NOT NULL DEFAULT '',
  `edit_options` tinyint(1) NOT NULL DEFAULT 1,
  `timestamp` timestamp NOT NULL DEFAULT current_timestamp(),
  `last_updated` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (`list_id`, `option_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `log` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `date` datetime NULL DEFAULT NULL,
  `event` varchar(255) NULL DEFAULT NULL,
  `category` varchar(255) NULL DEFAULT NULL,
  `user` varchar(255) NULL DEFAULT NULL,
  `groupname` varchar(255) NULL DEFAULT NULL,
  `comments` longtext NULL DEFAULT NULL,
  `user_notes` longtext NULL DEFAULT NULL,
  `patient_id` bigint(20) NULL DEFAULT NULL,
  `success` tinyint(1) NULL DEFAULT 1,
  `checksum` longtext NULL DEFAULT NULL,
  `crt_user` varchar(255) NULL DEFAULT NULL,
  `log_from` varchar(20) NULL DEFAULT 'open-emr',
  `menu_item_id` int(11) NULL DEFAULT NULL,
  `ccda_doc_id` int(11) NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `patient_id` (`patient_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `log_comment_encrypt` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `log_id` int(11) NOT NULL,
  `encrypt` enum('Yes','No') NOT NULL DEFAULT 'No',
  `checksum` longtext NULL DEFAULT NULL,
  `checksum_api` longtext NULL DEFAULT NULL,
  `version` tinyint(4) NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `notification_log` (
  `iLogId` int(11) NOT NULL AUTO_INCREMENT,
  `pid` bigint(20) NOT NULL,
  `pc_eid` int(11) unsigned NULL DEFAULT NULL,
  `sms_gateway_type` varchar(50) NOT NULL,
  `smsgateway_info` varchar(255) NOT NULL,
  `message` text NULL DEFAULT NULL,
  `email_sender` varchar(255) NOT NULL,
  `email_subject` varchar(255) NOT NULL,
  `type` enum('SMS','Email') NOT NULL,
  `patient_info` text NULL DEFAULT NULL,
  `pc_eventDate` date NOT NULL,
  `pc_endDate` date NOT NULL,
  `pc_startTime` time NOT NULL,
  `pc_endTime` time NOT NULL,
  `dSentDateTime` datetime NOT NULL,
  PRIMARY KEY (`iLogId`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `oauth_clients` (
  `client_id` varchar(80) NOT NULL,
  `client_role` varchar(20) NULL DEFAULT NULL,
  `client_name` varchar(80) NOT NULL,
  `client_secret` text NULL DEFAULT NULL,
  `registration_token` varchar(80) NULL DEFAULT NULL,
  `registration_uri_path` varchar(40) NULL DEFAULT NULL,
  `register_date` datetime NULL DEFAULT NULL,
  `revoke_date` datetime NULL DEFAULT NULL,
  `contacts` text NULL DEFAULT NULL,
  `redirect_uri` text NULL DEFAULT NULL,
  `grant_types` varchar(80) NULL DEFAULT NULL,
  `scope` text NULL DEFAULT NULL,
  `user_id` varchar(40) NULL DEFAULT NULL,
  `site_id` varchar(64) NULL DEFAULT NULL,
  `is_confidential` tinyint(1) NOT NULL DEFAULT 1,
  `logout_redirect_uris` text NULL DEFAULT NULL,
  `jwks_uri` text NULL DEFAULT NULL,
  `jwks` text NULL DEFAULT NULL,
  `initiate_login_uri` text NULL DEFAULT NULL,
  `endorsements` text NULL DEFAULT NULL,
  `policy_uri` text NULL DEFAULT NULL,
  `tos_uri` text NULL DEFAULT NULL,
  `is_enabled` tinyint(1) NOT NULL DEFAULT 0,
  `skip_ehr_launch_authorization_flow` tinyint(1) NOT NULL DEFAULT 0,
  `dsi_type` tinyint(3) unsigned NOT NULL DEFAULT 1,
  PRIMARY KEY (`client_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `oauth_trusted_user` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `user_id` varchar(80) NULL DEFAULT NULL,
  `client_id` varchar(80) NULL DEFAULT NULL,
  `scope` text NULL DEFAULT NULL,
  `persist_login` tinyint(1) NULL DEFAULT 0,
  `time` timestamp NULL DEFAULT NULL,
  `code` text NULL DEFAULT NULL,
  `session_cache` text NULL DEFAULT NULL,
  `grant_type` varchar(32) NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `accounts_id` (`user_id`),
  KEY `clients_id` (`client_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `onetime_auth` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `pid` bigint(20) NULL DEFAULT NULL,
  `create_user_id` bigint(20) NULL DEFAULT NULL,
  `context` varchar(64) NULL DEFAULT NULL,
  `access_count` int(11) NOT NULL DEFAULT 0,
  `remote_ip` varchar(32) NULL DEFAULT NULL,
  `onetime_pin` varchar(10) NULL DEFAULT NULL,
  `onetime_token` tinytext NULL DEFAULT NULL,
  `redirect_url` tinytext NULL DEFAULT NULL,
  `expires` int(11) NULL DEFAULT NULL,
  `date_created` datetime NULL DEFAULT current_timestamp(),
  `last_accessed` datetime NULL DEFAULT NULL,
  `scope` tinytext NULL DEFAULT NULL,
  `profile` tinytext NULL DEFAULT NULL,
  `onetime_actions` text NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `pid` (`pid`, `onetime_token`(255))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `onsite_documents` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `pid` bigint(20) unsigned NULL DEFAULT NULL,
  `facility` int(10) unsigned NULL DEFAULT NULL,
  `provider` int(10) unsigned NULL DEFAULT NULL,
  `encounter` int(10) unsigned NULL DEFAULT NULL,
  `create_date` timestamp NOT NULL DEFAULT current_timestamp(),
  `doc_type` varchar(255) NOT NULL,
  `patient_signed_status` smallint(5) unsigned NOT NULL,
  `patient_signed_time` datetime NULL DEFAULT NULL,
  `authorize_signed_time` datetime NULL DEFAULT NULL,
  `accept_signed_status` smallint(5) NOT NULL,
  `authorizing_signator` varchar(50) NOT NULL,
  `review_date` datetime NULL DEFAULT NULL,
  `denial_reason` varchar(255) NOT NULL,
  `authorized_signature` text NULL DEFAULT NULL,
  `patient_signature` text NULL DEFAULT NULL,
  `full_document` mediumblob NULL DEFAULT NULL,
  `file_name` varchar(255) NOT NULL,
  `file_path` varchar(255) NOT NULL,
  `template_data` longtext NULL DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `onsite_mail` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `date` datetime NULL DEFAULT NULL,
  `owner` varchar(128) NULL DEFAULT NULL,
  `user` varchar(255) NULL DEFAULT NULL,
  `groupname` varchar(255) NULL DEFAULT NULL,
  `activity` tinyint(4) NULL DEFAULT NULL,
  `authorized` tinyint(4) NULL DEFAULT NULL,
  `header` varchar(255) NULL DEFAULT NULL,
  `title` varchar(255) NULL DEFAULT NULL,
  `body` longtext NULL DEFAULT NULL,
  `recipient_id` varchar(128) NULL DEFAULT NULL,
  `recipient_name` varchar(255) NULL DEFAULT NULL,
  `sender_id` varchar(128) NULL DEFAULT NULL,
  `sender_name` varchar(255) NULL DEFAULT NULL,
  `assigned_to` varchar(255) NULL DEFAULT NULL,
  `deleted` tinyint(4) NULL DEFAULT 0,
  `delete_date` datetime NULL DEFAULT NULL,
  `mtype` varchar(128) NULL DEFAULT NULL,
  `message_status` varchar(20) NOT NULL DEFAULT 'New',
  `mail_chain` int(11) NULL DEFAULT NULL,
  `reply_mail_chain` int(11) NULL DEFAULT NULL,
  `is_msg_encrypted` tinyint(2) NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  KEY `pid` (`owner`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `onsite_messages` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `username` varchar(64) NOT NULL,
  `message` longtext NULL DEFAULT NULL,
  `ip` varchar(15) NOT NULL,
  `date` datetime NOT NULL,
  `sender_id` varchar(64) NULL DEFAULT NULL,
  `recip_id` varchar(255) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `onsite_portal_activity` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `date` datetime NULL DEFAULT NULL,
  `patient_id` bigint(20) NULL DEFAULT NULL,
  `activity` varchar(255) NULL DEFAULT NULL,
  `require_audit` tinyint(1) NULL DEFAULT 1,
  `pending_action` varchar(255) NULL DEFAULT NULL,
  `action_taken` varchar(255) NULL DEFAULT NULL,
  `status` varchar(255) NULL DEFAULT NULL,
  `narrative` longtext NULL DEFAULT NULL,
  `table_action` longtext NULL DEFAULT NULL,
  `table_args` longtext NULL DEFAULT NULL,
  `action_user` int(11) NULL DEFAULT NULL,
  `action_taken_time` datetime NULL DEFAULT NULL,
  `checksum` longtext NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `date` (`date`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `onsite_signatures` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `status` varchar(128) NOT NULL DEFAULT 'waiting',
  `type` varchar(128) NOT NULL,
  `created` int(11) NOT NULL,
  `lastmod` datetime NOT NULL,
  `pid` bigint(20) NULL DEFAULT NULL,
  `encounter` int(11) NULL DEFAULT NULL,
  `user` varchar(255) NULL DEFAULT NULL,
  `activity` tinyint(4) NOT NULL DEFAULT 0,
  `authorized` tinyint(4) NULL DEFAULT NULL,
  `signator` varchar(255) NOT NULL,
  `sig_image` text NULL DEFAULT NULL,
  `signature` text NULL DEFAULT NULL,
  `sig_hash` varchar(255) NOT NULL,
  `ip` varchar(46) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `encounter` (`encounter`),
  UNIQUE KEY `pid` (`pid`, `user`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `openemr_postcalendar_categories` (
  `pc_catid` int(11) unsigned NOT NULL AUTO_INCREMENT,
  `pc_constant_id` varchar(255) NULL DEFAULT NULL,
  `pc_catname` varchar(100) NULL DEFAULT NULL,
  `pc_catcolor` varchar(50) NULL DEFAULT NULL,
  `pc_catdesc` text NULL DEFAULT NULL,
  `pc_recurrtype` int(1) NOT NULL DEFAULT 0,
  `pc_enddate` date NULL DEFAULT NULL,
  `pc_recurrspec` text NULL DEFAULT NULL,
  `pc_recurrfreq` int(3) NOT NULL DEFAULT 0,
  `pc_duration` bigint(20) NOT NULL DEFAULT 0,
  `pc_end_date_flag` tinyint(1) NOT NULL DEFAULT 0,
  `pc_end_date_type` int(2) NULL DEFAULT NULL,
  `pc_end_date_freq` int(11) NOT NULL DEFAULT 0,
  `pc_end_all_day` tinyint(1) NOT NULL DEFAULT 0,
  `pc_dailylimit` int(2) NOT NULL DEFAULT 0,
  `pc_cattype` int(11) NOT NULL,
  `pc_active` tinyint(1) NOT NULL DEFAULT 1,
  `pc_seq` int(11) NOT NULL DEFAULT 0,
  `aco_spec` varchar(63) NOT NULL DEFAULT 'encounters|notes',
  `pc_last_updated` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (`pc_catid`),
  KEY `basic_cat` (`pc_catname`, `pc_catcolor`),
  UNIQUE KEY `pc_constant_id` (`pc_constant_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `openemr_postcalendar_events` (
  `pc_eid` int(11) unsigned NOT NULL AUTO_INCREMENT,
  `pc_catid` int(11) NOT NULL DEFAULT 0,
  `pc_multiple` int(10) unsigned NOT NULL,
  `pc_aid` varchar(30) NULL DEFAULT NULL,
  `pc_pid` varchar(11) NULL DEFAULT NULL,
  `pc_gid` int(11) NULL DEFAULT 0,
  `pc_title` varchar(150) NULL DEFAULT NULL,
  `pc_time` datetime NULL DEFAULT NULL,
  `pc_hometext` text NULL DEFAULT NULL,
  `pc_comments` int(11) NULL DEFAULT 0,
  `pc_counter` mediumint(8) unsigned NULL DEFAULT 0,
  `pc_topic` int(3) NOT NULL DEFAULT 1,
  `pc_informant` varchar(20) NULL DEFAULT NULL,
  `pc_eventDate` date NOT NULL DEFAULT '0000-00-00',
  `pc_endDate` date NOT NULL DEFAULT '0000-00-00',
  `pc_duration` bigint(20) NOT NULL DEFAULT 0,
  `pc_recurrtype` int(1) NOT NULL DEFAULT 0,
  `pc_recurrspec` text NULL DEFAULT NULL,
  `pc_recurrfreq` int(3) NOT NULL DEFAULT 0,
  `pc_startTime` time NULL DEFAULT NULL,
  `pc_endTime` time NULL DEFAULT NULL,
  `pc_alldayevent` int(1) NOT NULL DEFAULT 0,
  `pc_location` text NULL DEFAULT NULL,
  `pc_conttel` varchar(50) NULL DEFAULT NULL,
  `pc_contname` varchar(50) NULL DEFAULT NULL,
  `pc_contemail` varchar(255) NULL DEFAULT NULL,
  `pc_website` varchar(255) NULL DEFAULT NULL,
  `pc_fee` varchar(50) NULL DEFAULT NULL,
  `pc_eventstatus` int(11) NOT NULL DEFAULT 0,
  `pc_sharing` int(11) NOT NULL DEFAULT 0,
  `pc_language` varchar(30) NULL DEFAULT NULL,
  `pc_apptstatus` varchar(15) NOT NULL DEFAULT '-',
  `pc_prefcatid` int(11) NOT NULL DEFAULT 0,
  `pc_facility` int(11) NOT NULL DEFAULT 0,
  `pc_sendalertsms` varchar(3) NOT NULL DEFAULT 'NO',
  `pc_sendalertemail` varchar(3) NOT NULL DEFAULT 'NO',
  `pc_billing_location` smallint(6) NOT NULL DEFAULT 0,
  `pc_room` varchar(20) NOT NULL DEFAULT '',
  `uuid` binary(16) NULL DEFAULT NULL,
  PRIMARY KEY (`pc_eid`),
  KEY `basic_event` (`pc_catid`, `pc_aid`, `pc_eventDate`, `pc_endDate`, `pc_eventstatus`, `pc_sharing`, `pc_topic`),
  KEY `pc_eventDate` (`pc_eventDate`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `patient_access_onsite` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `pid` bigint(20) NULL DEFAULT NULL,
  `portal_username` varchar(100) NULL DEFAULT NULL,
  `portal_pwd` varchar(255) NULL DEFAULT NULL,
  `portal_pwd_status` tinyint(4) NULL DEFAULT 1,
  `portal_login_username` varchar(100) NULL DEFAULT NULL,
  `portal_onetime` varchar(255) NULL DEFAULT NULL,
  `date_created` datetime NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (`id`),
  UNIQUE KEY `pid` (`pid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `patient_data` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL DEFAULT NULL,
  `title` varchar(255) NOT NULL DEFAULT '',
  `language` varchar(255) NOT NULL DEFAULT '',
  `financial` varchar(255) NOT NULL DEFAULT '',
  `fname` varchar(255) NOT NULL DEFAULT '',
  `lname` varchar(255) NOT NULL DEFAULT '',
  `mname` varchar(255) NOT NULL DEFAULT '',
  `DOB` date NULL DEFAULT NULL,
  `street` varchar(255) NOT NULL DEFAULT '',
  `postal_code` varchar(255) NOT NULL DEFAULT '',
  `city` varchar(255) NOT NULL DEFAULT '',
  `state` varchar(255) NOT NULL DEFAULT '',
  `country_code` varchar(255) NOT NULL DEFAULT '',
  `drivers_license` varchar(255) NOT NULL DEFAULT '',
  `ss` varchar(255) NOT NULL DEFAULT '',
  `occupation` longtext NULL DEFAULT NULL,
  `phone_home` varchar(255) NOT NULL DEFAULT '',
  `phone_biz` varchar(255) NOT NULL DEFAULT '',
  `phone_contact` varchar(255) NOT NULL DEFAULT '',
  `phone_cell` varchar(255) NOT NULL DEFAULT '',
  `pharmacy_id` int(11) NOT NULL DEFAULT 0,
  `status` varchar(255) NOT NULL DEFAULT '',
  `contact_relationship` varchar(255) NOT NULL DEFAULT '',
  `date` datetime NULL DEFAULT NULL,
  `sex` varchar(255) NOT NULL DEFAULT '',
  `referrer` varchar(255) NOT NULL DEFAULT '',
  `referrerID` varchar(255) NOT NULL DEFAULT '',
  `providerID` int(11) NULL DEFAULT NULL,
  `ref_providerID` int(11) NULL DEFAULT NULL,
  `email` varchar(255) NOT NULL DEFAULT '',
  `email_direct` varchar(255) NOT NULL DEFAULT '',
  `ethnoracial` varchar(255) NOT NULL DEFAULT '',
  `race` varchar(255) NOT NULL DEFAULT '',
  `ethnicity` varchar(255) NOT NULL DEFAULT '',
  `religion` varchar(40) NOT NULL DEFAULT '',
  `interpretter` varchar(255) NOT NULL DEFAULT '',
  `migrantseasonal` varchar(255) NOT NULL DEFAULT '',
  `family_size` varchar(255) NOT NULL DEFAULT '',
  `monthly_income` varchar(255) NOT NULL DEFAULT '',
  `billing_note` text NULL DEFAULT NULL,
  `homeless` varchar(255) NOT NULL DEFAULT '',
  `financial_review` datetime NULL DEFAULT NULL,
  `pubpid` varchar(255) NOT NULL DEFAULT '',
  `pid` bigint(20) NOT NULL DEFAULT 0,
  `genericname1` varchar(255) NOT NULL DEFAULT '',
  `genericval1` varchar(255) NOT NULL DEFAULT '',
  `genericname2` varchar(255) NOT NULL DEFAULT '',
  `genericval2` varchar(255) NOT NULL DEFAULT '',
  `hipaa_mail` varchar(3) NOT NULL DEFAULT '',
  `hipaa_voice` varchar(3) NOT NULL DEFAULT '',
  `hipaa_notice` varchar(3) NOT NULL DEFAULT '',
  `hipaa_message` varchar(20) NOT NULL DEFAULT '',
  `hipaa_allowsms` varchar(3) NOT NULL DEFAULT 'NO',
  `hipaa_allowemail` varchar(3) NOT NULL DEFAULT 'NO',
  `squad` varchar(32) NOT NULL DEFAULT '',
  `fitness` int(11) NOT NULL DEFAULT 0,
  `referral_source` varchar(30) NOT NULL DEFAULT '',
  `usertext1` varchar(255) NOT NULL DEFAULT '',
  `usertext2` varchar(255) NOT NULL DEFAULT '',
  `usertext3` varchar(255) NOT NULL DEFAULT '',
  `usertext4` varchar(255) NOT NULL DEFAULT '',
  `usertext5` varchar(255) NOT NULL DEFAULT '',
  `usertext6` varchar(255) NOT NULL DEFAULT '',
  `usertext7` varchar(255) NOT NULL DEFAULT '',
  `usertext8` varchar(255) NOT NULL DEFAULT '',
  `userlist1` varchar(255) NOT NULL DEFAULT '',
  `userlist2` varchar(255) NOT NULL DEFAULT '',
  `userlist3` varchar(255) NOT NULL DEFAULT '',
  `userlist4` varchar(255) NOT NULL DEFAULT '',
  `userlist5` varchar(255) NOT NULL DEFAULT '',
  `userlist6` varchar(255) NOT NULL DEFAULT '',
  `userlist7` varchar(255) NOT NULL DEFAULT '',
  `pricelevel` varchar(255) NOT NULL DEFAULT 'standard',
  `regdate` datetime NULL DEFAULT NULL,
  `contrastart` date NULL DEFAULT NULL,
  `completed_ad` varchar(3) NOT NULL DEFAULT 'NO',
  `ad_reviewed` datetime NULL DEFAULT NULL,
  `vfc` varchar(255) NOT NULL DEFAULT '',
  `mothersname` varchar(255) NOT NULL DEFAULT '',
  `guardiansname` text NULL DEFAULT NULL,
  `allow_imm_reg_use` varchar(255) NOT NULL DEFAULT '',
  `allow_imm_info_share` varchar(255) NOT NULL DEFAULT '',
  `allow_health_info_ex` varchar(255) NOT NULL DEFAULT '',
  `allow_patient_portal` varchar(31) NOT NULL DEFAULT '',
  `deceased_date` datetime NULL DEFAULT NULL,
  `deceased_reason` varchar(255) NOT NULL DEFAULT '',
  `soap_import_status` tinyint(4) NULL DEFAULT NULL,
  `cmsportal_login` varchar(60) NOT NULL DEFAULT '',
  `care_team_provider` text NULL DEFAULT NULL,
  `care_team_facility` text NULL DEFAULT NULL,
  `care_team_status` text NULL DEFAULT NULL,
  `county` varchar(40) NOT NULL DEFAULT '',
  `industry` text NULL DEFAULT NULL,
  `imm_reg_status` text NULL DEFAULT NULL,
  `imm_reg_stat_effdate` text NULL DEFAULT NULL,
  `publicity_code` text NULL DEFAULT NULL,
  `publ_code_eff_date` text NULL DEFAULT NULL,
  `protect_indicator` text NULL DEFAULT NULL,
  `prot_indi_effdate` text NULL DEFAULT NULL,
  `guardianrelationship` text NULL DEFAULT NULL,
  `guardiansex` text NULL DEFAULT NULL,
  `guardianaddress` text NULL DEFAULT NULL,
  `guardiancity` text NULL DEFAULT NULL,
  `guardianstate` text NULL DEFAULT NULL,
  `guardianpostalcode` text NULL DEFAULT NULL,
  `guardiancountry` text NULL DEFAULT NULL,
  `guardianphone` text NULL DEFAULT NULL,
  `guardianworkphone` text NULL DEFAULT NULL,
  `guardianemail` text NULL DEFAULT NULL,
  `sexual_orientation` text NULL DEFAULT NULL,
  `gender_identity` text NULL DEFAULT NULL,
  `birth_fname` text NULL DEFAULT NULL,
  `birth_lname` text NULL DEFAULT NULL,
  `birth_mname` text NULL DEFAULT NULL,
  `dupscore` int(11) NOT NULL DEFAULT -9,
  `name_history` tinytext NULL DEFAULT NULL,
  `suffix` tinytext NULL DEFAULT NULL,
  `street_line_2` tinytext NULL DEFAULT NULL,
  `patient_groups` text NULL DEFAULT NULL,
  `prevent_portal_apps` text NULL DEFAULT NULL,
  `provider_since_date` tinytext NULL DEFAULT NULL,
  `created_by` bigint(20) NULL DEFAULT NULL,
  `updated_by` bigint(20) NULL DEFAULT NULL,
  `preferred_name` tinytext NULL DEFAULT NULL,
  `nationality_country` tinytext NULL DEFAULT NULL,
  `last_updated` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE CURRENT_TIMESTAMP,
  KEY `id` (`id`),
  UNIQUE KEY `pid` (`pid`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `patient_history` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL DEFAULT NULL,
  `date` datetime NOT NULL DEFAULT current_timestamp(),
  `care_team_provider` text NULL DEFAULT NULL,
  `care_team_facility` text NULL DEFAULT NULL,
  `pid` bigint(20) NOT NULL,
  `history_type_key` varchar(36) NULL DEFAULT NULL,
  `previous_name_prefix` text NULL DEFAULT NULL,
  `previous_name_first` text NULL DEFAULT NULL,
  `previous_name_middle` text NULL DEFAULT NULL,
  `previous_name_last` text NULL DEFAULT NULL,
  `previous_name_suffix` text NULL DEFAULT NULL,
  `previous_name_enddate` date NULL DEFAULT NULL,
  `created_by` bigint(20) NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `pid_idx` (`pid`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `patient_settings` (
  `setting_patient` bigint(20) NOT NULL DEFAULT 0,
  `setting_label` varchar(100) NOT NULL,
  `setting_value` varchar(255) NOT NULL DEFAULT '',
  PRIMARY KEY (`setting_patient`, `setting_label`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `patient_tracker` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `date` datetime NULL DEFAULT NULL,
  `apptdate` date NULL DEFAULT NULL,
  `appttime` time NULL DEFAULT NULL,
  `eid` bigint(20) NOT NULL DEFAULT 0,
  `pid` bigint(20) NOT NULL DEFAULT 0,
  `original_user` varchar(255) NOT NULL DEFAULT '',
  `encounter` bigint(20) NOT NULL DEFAULT 0,
  `lastseq` varchar(4) NOT NULL DEFAULT '',
  `random_drug_test` tinyint(1) NULL DEFAULT NULL,
  `drug_screen_completed` tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  KEY `eid` (`eid`),
  KEY `pid` (`pid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `patient_tracker_element` (
  `pt_tracker_id` bigint(20) NOT NULL DEFAULT 0,
  `start_datetime` datetime NULL DEFAULT NULL,
  `room` varchar(20) NOT NULL DEFAULT '',
  `status` varchar(31) NOT NULL DEFAULT '',
  `seq` varchar(4) NOT NULL DEFAULT '',
  `user` varchar(255) NOT NULL DEFAULT '',
  KEY `pt_tracker_id` (`pt_tracker_id`, `seq`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `payments` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `pid` bigint(20) NOT NULL DEFAULT 0,
  `dtime` datetime NOT NULL,
  `encounter` bigint(20) NOT NULL DEFAULT 0,
  `user` varchar(255) NULL DEFAULT NULL,
  `method` varchar(255) NULL DEFAULT NULL,
  `source` varchar(255) NULL DEFAULT NULL,
  `amount1` decimal(12,2) NOT NULL DEFAULT 0.00,
  `amount2` decimal(12,2) NOT NULL DEFAULT 0.00,
  `posted1` decimal(12,2) NOT NULL DEFAULT 0.00,
  `posted2` decimal(12,2) NOT NULL DEFAULT 0.00,
  PRIMARY KEY (`id`),
  KEY `pid` (`pid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `payment_processing_audit` (
  `uuid` binary(16) NOT NULL DEFAULT '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0',
  `service` varchar(50) NULL DEFAULT NULL,
  `pid` bigint(20) NOT NULL,
  `success` tinyint(4) NULL DEFAULT 0,
  `action_name` varchar(50) NULL DEFAULT NULL,
  `amount` varchar(20) NULL DEFAULT NULL,
  `ticket` varchar(100) NULL DEFAULT NULL,
  `transaction_id` varchar(100) NULL DEFAULT NULL,
  `audit_data` text NULL DEFAULT NULL,
  `date` datetime NULL DEFAULT NULL,
  `map_uuid` binary(16) NULL DEFAULT NULL,
  `map_transaction_id` varchar(100) NULL DEFAULT NULL,
  `reverted` tinyint(4) NULL DEFAULT 0,
  `revert_action_name` varchar(50) NULL DEFAULT NULL,
  `revert_transaction_id` varchar(100) NULL DEFAULT NULL,
  `revert_audit_data` text NULL DEFAULT NULL,
  `revert_date` datetime NULL DEFAULT NULL,
  PRIMARY KEY (`uuid`),
  KEY `pid` (`pid`),
  KEY `success` (`success`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `phone_numbers` (
  `id` int(11) NOT NULL DEFAULT 0,
  `country_code` varchar(5) NULL DEFAULT NULL,
  `area_code` char(3) NULL DEFAULT NULL,
  `prefix` char(3) NULL DEFAULT NULL,
  `number` varchar(4) NULL DEFAULT NULL,
  `type` int(11) NULL DEFAULT NULL,
  `foreign_id` int(11) NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `foreign_id` (`foreign_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `pnotes` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `date` datetime NULL DEFAULT NULL,
  `body` longtext NULL DEFAULT NULL,
  `pid` bigint(20) NULL DEFAULT NULL,
  `user` varchar(255) NULL DEFAULT NULL,
  `groupname` varchar(255) NULL DEFAULT NULL,
  `activity` tinyint(4) NULL DEFAULT NULL,
  `authorized` tinyint(4) NULL DEFAULT NULL,
  `title` varchar(255) NULL DEFAULT NULL,
  `assigned_to` varchar(255) NULL DEFAULT NULL,
  `deleted` tinyint(4) NULL DEFAULT 0,
  `message_status` varchar(20) NOT NULL DEFAULT 'New',
  `portal_relation` varchar(100) NULL DEFAULT NULL,
  `is_msg_encrypted` tinyint(2) NULL DEFAULT 0,
  `update_by` bigint(20) NULL DEFAULT NULL,
  `update_date` datetime NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `pid` (`pid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `questionnaire_repository` (
  `id` bigint(21) unsigned NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL DEFAULT NULL,
  `questionnaire_id` varchar(255) NULL DEFAULT NULL,
  `provider` int(11) unsigned NULL DEFAULT NULL,
  `version` int(11) NOT NULL DEFAULT 1,
  `created_date` datetime NULL DEFAULT current_timestamp(),
  `modified_date` datetime NULL DEFAULT current_timestamp(),
  `name` varchar(255) NULL DEFAULT NULL,
  `type` varchar(63) NOT NULL DEFAULT 'Questionnaire',
  `profile` varchar(255) NULL DEFAULT NULL,
  `active` tinyint(1) NOT NULL DEFAULT 1,
  `status` varchar(31) NULL DEFAULT NULL,
  `source_url` text NULL DEFAULT NULL,
  `code` varchar(255) NULL DEFAULT NULL,
  `code_display` text NULL DEFAULT NULL,
  `questionnaire` longtext NULL DEFAULT NULL,
  `lform` longtext NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `search` (`name`, `questionnaire_id`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `questionnaire_response` (
  `id` bigint(21) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL DEFAULT NULL,
  `response_id` varchar(255) NULL DEFAULT NULL,
  `questionnaire_foreign_id` bigint(21) NULL DEFAULT NULL,
  `questionnaire_id` varchar(255) NULL DEFAULT NULL,
  `questionnaire_name` varchar(255) NULL DEFAULT NULL,
  `patient_id` int(11) NULL DEFAULT NULL,
  `encounter` int(11) NULL DEFAULT NULL,
  `audit_user_id` int(11) NULL DEFAULT NULL,
  `creator_user_id` int(11) NULL DEFAULT NULL,
  `create_time` datetime NULL DEFAULT current_timestamp(),
  `last_updated` datetime NULL DEFAULT NULL,
  `version` int(11) NOT NULL DEFAULT 1,
  `status` varchar(63) NULL DEFAULT NULL,
  `questionnaire` longtext NULL DEFAULT NULL,
  `questionnaire_response` longtext NULL DEFAULT NULL,
  `form_response` longtext NULL DEFAULT NULL,
  `form_score` int(11) NULL DEFAULT NULL,
  `tscore` double NULL DEFAULT NULL,
  `error` double NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `response_index` (`response_id`, `patient_id`, `questionnaire_id`, `questionnaire_name`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `sequences` (
  `id` int(11) unsigned NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `track_events` (
  `id` int(11) unsigned NOT NULL AUTO_INCREMENT,
  `event_type` text NULL DEFAULT NULL,
  `event_label` varchar(255) NULL DEFAULT NULL,
  `event_url` text NULL DEFAULT NULL,
  `event_target` text NULL DEFAULT NULL,
  `first_event` datetime NULL DEFAULT NULL,
  `last_event` datetime NULL DEFAULT NULL,
  `label_count` int(10) unsigned NOT NULL DEFAULT 1,
  PRIMARY KEY (`id`),
  UNIQUE KEY `unique_event_label_target` (`event_label`, `event_url`(255), `event_target`(255))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `users` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NULL DEFAULT NULL,
  `username` varchar(255) NULL DEFAULT NULL,
  `password` longtext NULL DEFAULT NULL,
  `authorized` tinyint(4) NULL DEFAULT NULL,
  `info` longtext NULL DEFAULT NULL,
  `source` tinyint(4) NULL DEFAULT NULL,
  `fname` varchar(255) NULL DEFAULT NULL,
  `mname` varchar(255) NULL DEFAULT NULL,
  `lname` varchar(255) NULL DEFAULT NULL,
  `suffix` varchar(255) NULL DEFAULT NULL,
  `federaltaxid` varchar(255) NULL DEFAULT NULL,
  `federaldrugid` varchar(255) NULL DEFAULT NULL,
  `upin` varchar(255) NULL DEFAULT NULL,
  `facility` varchar(255) NULL DEFAULT NULL,
  `facility_id` int(11) NOT NULL DEFAULT 0,
  `see_auth` int(11) NOT NULL DEFAULT 1,
  `active` tinyint(1) NOT NULL DEFAULT 1,
  `npi` varchar(15) NULL DEFAULT NULL,
  `title` varchar(30) NULL DEFAULT NULL,
  `specialty` varchar(255) NULL DEFAULT NULL,
  `billname` varchar(255) NULL DEFAULT NULL,
  `email` varchar(255) NULL DEFAULT NULL,
  `email_direct` varchar(255) NOT NULL DEFAULT '',
  `google_signin_email` varchar(255) NULL DEFAULT NULL,
  `url` varchar(255) NULL DEFAULT NULL,
  `assistant` varchar(255) NULL DEFAULT NULL,
  `organization` varchar(255) NULL DEFAULT NULL,
  `valedictory` varchar(255) NULL DEFAULT NULL,
  `street` varchar(60) NULL DEFAULT NULL,
  `streetb` varchar(60) NULL DEFAULT NULL,
  `city` varchar(30) NULL DEFAULT NULL,
  `state` varchar(30) NULL DEFAULT NULL,
  `zip` varchar(20) NULL DEFAULT NULL,
  `street2` varchar(60) NULL DEFAULT NULL,
  `streetb2` varchar(60) NULL DEFAULT NULL,
  `city2` varchar(30) NULL DEFAULT NULL,
  `state2` varchar(30) NULL DEFAULT NULL,
  `zip2` varchar(20) NULL DEFAULT NULL,
  `phone` varchar(30) NULL DEFAULT NULL,
  `fax` varchar(30) NULL DEFAULT NULL,
  `phonew1` varchar(30) NULL DEFAULT NULL,
  `phonew2` varchar(30) NULL DEFAULT NULL,
  `phonecell` varchar(30) NULL DEFAULT NULL,
  `notes` text NULL DEFAULT NULL,
  `cal_ui` tinyint(4) NOT NULL DEFAULT 1,
  `taxonomy` varchar(30) NOT NULL DEFAULT '207Q00000X',
  `calendar` tinyint(1) NOT NULL DEFAULT 0,
  `abook_type` varchar(31) NOT NULL DEFAULT '',
  `default_warehouse` varchar(31) NOT NULL DEFAULT '',
  `irnpool` varchar(31) NOT NULL DEFAULT '',
  `state_license_number` varchar(25) NULL DEFAULT NULL,
  `weno_prov_id` varchar(15) NULL DEFAULT NULL,
  `newcrop_user_role` varchar(30) NULL DEFAULT NULL,
  `cpoe` tinyint(1) NULL DEFAULT NULL,
  `physician_type` varchar(50) NULL DEFAULT NULL,
  `main_menu_role` varchar(50) NOT NULL DEFAULT 'standard',
  `patient_menu_role` varchar(50) NOT NULL DEFAULT 'standard',
  `portal_user` tinyint(1) NOT NULL DEFAULT 0,
  `supervisor_id` int(11) NOT NULL DEFAULT 0,
  `billing_facility` text NULL DEFAULT NULL,
  `billing_facility_id` int(11) NOT NULL DEFAULT 0,
  `date_created` datetime NOT NULL DEFAULT current_timestamp(),
  `last_updated` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (`id`),
  KEY `abook_type` (`abook_type`),
  UNIQUE KEY `google_signin_email` (`google_signin_email`),
  UNIQUE KEY `uuid` (`uuid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `users_facility` (
  `tablename` varchar(64) NOT NULL,
  `table_id` int(11) NOT NULL,
  `facility_id` int(11) NOT NULL,
  `warehouse_id` varchar(31) NOT NULL DEFAULT '',
  PRIMARY KEY (`tablename`, `table_id`, `facility_id`, `warehouse_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `users_secure` (
  `id` bigint(20) NOT NULL,
  `username` varchar(255) NULL DEFAULT NULL,
  `password` varchar(255) NULL DEFAULT NULL,
  `last_update_password` datetime NULL DEFAULT NULL,
  `last_update` timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE CURRENT_TIMESTAMP,
  `password_history1` varchar(255) NULL DEFAULT NULL,
  `password_history2` varchar(255) NULL DEFAULT NULL,
  `password_history3` varchar(255) NULL DEFAULT NULL,
  `password_history4` varchar(255) NULL DEFAULT NULL,
  `last_challenge_response` datetime NULL DEFAULT NULL,
  `login_work_area` text NULL DEFAULT NULL,
  `total_login_fail_counter` bigint(20) NULL DEFAULT 0,
  `login_fail_counter` int(11) NULL DEFAULT 0,
  `last_login_fail` datetime NULL DEFAULT NULL,
  `auto_block_emailed` tinyint(4) NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  UNIQUE KEY `USERNAME_ID` (`id`, `username`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `user_settings` (
  `setting_user` bigint(20) NOT NULL DEFAULT 0,
  `setting_label` varchar(100) NOT NULL,
  `setting_value` varchar(255) NOT NULL DEFAULT '',
  PRIMARY KEY (`setting_user`, `setting_label`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `uuid_mapping` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `uuid` binary(16) NOT NULL DEFAULT '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0',
  `resource` varchar(255) NOT NULL DEFAULT '',
  `resource_path` varchar(255) NULL DEFAULT NULL,
  `table` varchar(255) NOT NULL DEFAULT '',
  `target_uuid` binary(16) NOT NULL DEFAULT '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0',
  `created` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `resource` (`resource`),
  KEY `table` (`table`),
  KEY `target_uuid` (`target_uuid`),
  KEY `uuid` (`uuid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `uuid_registry` (
  `uuid` binary(16) NOT NULL DEFAULT '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0',
  `table_name` varchar(255) NOT NULL DEFAULT '',
  `table_id` varchar(255) NOT NULL DEFAULT '',
  `table_vertical` varchar(255) NOT NULL DEFAULT '',
  `couchdb` varchar(255) NOT NULL DEFAULT '',
  `document_drive` tinyint(4) NOT NULL DEFAULT 0,
  `mapped` tinyint(4) NOT NULL DEFAULT 0,
  `created` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`uuid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `verify_email` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `pid_holder` bigint(20) NULL DEFAULT NULL,
  `email` varchar(255) NULL DEFAULT NULL,
  `language` varchar(100) NULL DEFAULT NULL,
  `fname` varchar(255) NULL DEFAULT NULL,
  `mname` varchar(255) NULL DEFAULT NULL,
  `lname` varchar(255) NULL DEFAULT NULL,
  `dob` date NULL DEFAULT NULL,
  `token_onetime` varchar(255) NULL DEFAULT NULL,
  `active` tinyint(4) NOT NULL DEFAULT 1,
  PRIMARY KEY (`id`),
  UNIQUE KEY `email` (`email`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `version` (
  `v_major` int(11) NOT NULL DEFAULT 0,
  `v_minor` int(11) NOT NULL DEFAULT 0,
  `v_patch` int(11) NOT NULL DEFAULT 0,
  `v_realpatch` int(11) NOT NULL DEFAULT 0,
  `v_tag` varchar(31) NOT NULL DEFAULT '',
  `v_database` int(11) NOT NULL DEFAULT 0,
  `v_acl` int(11) NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `lists` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `date` datetime NULL DEFAULT NULL,
  `type` varchar(255) NULL DEFAULT NULL,
  `title` varchar(255) NULL DEFAULT NULL,
  `begdate` datetime NULL DEFAULT NULL,
  `enddate` datetime NULL DEFAULT NULL,
  `activity` tinyint(4) NULL DEFAULT NULL,
  `comments` longtext NULL DEFAULT NULL,
  `pid` bigint(20) NULL DEFAULT NULL,
  `user` varchar(255) NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `pid` (`pid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

CREATE TABLE `login_mfa_registrations` (
  `user_id` bigint(20) NOT NULL,
  `name` varchar(30) NOT NULL,
  `last_challenge` datetime NULL DEFAULT NULL,
  `method` varchar(31) NOT NULL,
  `var1` varchar(4096) NOT NULL DEFAULT '',
  `var2` varchar(256) NOT NULL DEFAULT '',
  PRIMARY KEY (`user_id`, `name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

INSERT INTO `version` (`v_major`, `v_minor`, `v_patch`, `v_realpatch`, `v_tag`, `v_database`, `v_acl`) VALUES
  (7, 0, 4, 0, '', 0, 0);
INSERT INTO `sequences` (`id`) VALUES
  (1);
INSERT INTO `categories` (`id`, `name`, `value`, `parent`, `lft`, `rght`, `aco_spec`, `codes`) VALUES
  (1, 'Categories', '', 0, 0, 61, 'patients|docs', ''),
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
  (14, 'Eye Module', '', 1, 25, 50, 'patients|docs', ''),
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
  (27, 'Onsite Portal', '', 1, 51, 56, 'patients|docs', ''),
  (28, 'Patient', '', 27, 52, 53, 'patients|docs', ''),
  (29, 'Reviewed', '', 27, 54, 55, 'patients|docs', 'LOINC:LP173394-0'),
  (30, 'FHIR Export Document', '', 1, 57, 58, 'admin|super', 'LOINC:LP173421-1'),
  (31, 'Invoices', '', 1, 59, 60, 'encounters|coding', '');
