import { OUTPUT } from "../characters.js";
import { readsCode } from "../inputs.js";
import { checkFile } from "../rules/registry.js";
import { filesInCode } from "../rules/shared/code-files.js";
import {
  checkCode,
  codeOptions,
  isInterpreter,
  shellTextsIn,
} from "../rules/shared/inline-code.js";
import { embedIn, type Use } from "../scene.js";
import { runsDecoded } from "./decoded.js";

/** Inline code of another language: as an option, in a here-document, through a pipe. */
export function checkInlineCode(use: Use): void {
  const { invocation, input, found } = use;
  const { name, args } = invocation;
  if (!isInterpreter(name)) return;
  const reads = input.text !== null && (input.upstream.length === 0 || readsCode(invocation));
  const code = codeOptions(name, args);
  const modules = args.filter((arg) => /^-[Mr]/.test(arg)).join(" ");
  for (const text of reads ? [...code, input.text ?? ""] : code) {
    if (text.trim() === OUTPUT) {
      runsDecoded(use.scene.inputs.namesBehind(use.node), found);
      continue;
    }
    if (code.includes(text)) found("INLINE-CODE", `${name} runs code that stands in the script`);
    checkCode(name, `${modules} ${text}`, found);
    for (const file of filesInCode(text)) checkFile(file, found);
    for (const command of shellTextsIn(name, text)) embedIn(use, command);
  }
}
