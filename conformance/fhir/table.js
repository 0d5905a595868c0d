// Every row, in the order they run: what only reads comes first.
import { rows as examples } from "./examples.js";
import { rows as binary } from "./rest-binary.js";
import { rows as bundles } from "./rest-bundle.js";
import { rows as operations } from "./rest-operations.js";
import { rows as portal } from "./rest-portal.js";
import { rows as reading } from "./rest-read.js";
import { rows as search } from "./rest-search.js";
import { rows as statement } from "./rest-statement.js";
import { rows as writing } from "./rest-write.js";
import { rows as usCore } from "./us-core.js";
import { rows as usCoreSearch } from "./us-core-search.js";
import { rows as walk } from "./walk.js";

export const table = [...usCoreSearch, ...usCore, ...search, ...statement, ...walk, ...operations, ...examples, ...binary, ...reading, ...writing, ...bundles, ...portal];

const twice = table.map((row) => row.id).filter((id, index, all) => all.indexOf(id) !== index);
if (twice.length > 0) throw new Error(`two rows have the id ${twice}`);
