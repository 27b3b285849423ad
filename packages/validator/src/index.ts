export { SEVERITIES, type Diagnostic, type Report, type Severity } from "./diagnostic.js";
export { formatReport } from "./format-text.js";
export { DEFAULT_POLICY, PROFILES, blocks, type Policy, type Profile } from "./policy.js";
export { FAMILIES, type Family, type Rule } from "./rule.js";
export { RULES } from "./rules/index.js";
export { toSarif } from "./sarif.js";
export { LIMITS, MAX_SHOWN_FINDINGS } from "./limits.js";
export { validate, validateJob, type ReadFile } from "./validate.js";
