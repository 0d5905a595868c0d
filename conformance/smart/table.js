// Every row, in the order they run: the kit's groups, then ONC's, then what nobody's kit tries.
import { rows as assertions } from "./assertions.js";
import { rows as backend } from "./backend.js";
import { rows as brands } from "./brands.js";
import { rows as ehr } from "./ehr.js";
import { rows as more } from "./g10-more.js";
import { rows as patientApps } from "./g10-patient.js";
import { rows as staffApps } from "./g10-staff.js";
import { rows as introspection } from "./introspection.js";
import { rows as login } from "./login.js";
import { rows as negative } from "./negative.js";
import { rows as standalone } from "./standalone.js";
import { rows as stu1 } from "./stu1.js";

export const table = [
  ...standalone,
  ...ehr,
  ...backend,
  ...introspection,
  ...brands,
  ...stu1,
  ...patientApps,
  ...staffApps,
  ...more,
  ...login,
  ...negative,
  ...assertions,
];

const twice = table.map((row) => row.id).filter((id, index, all) => all.indexOf(id) !== index);
if (twice.length > 0) throw new Error(`two rows have the id ${twice}`);
