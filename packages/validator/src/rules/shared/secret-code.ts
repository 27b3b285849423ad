import { bounded } from "../../bounded.js";
import { codeOptions } from "./inline-code.js";

const ALL_VARIABLES =
  /os\.environ\b(?!\s?[[.]|\.get)|os\.environ\.(items|keys|copy)|%ENV\b|process\.env\b(?!\s?[[.])|\bENV\.(each|to_h|select|keys)|\bgetenv\(\)|\$_ENV\b(?!\[)/;
const PRINTS_ONE =
  /(print|puts|echo|console\.log|write)\b.{0,40}(os\.environ(\.get)?\s?[[(]|os\.getenv\(|\$ENV\{|process\.env[.[]|ENV\[|getenv\()\s?["']?\w{0,40}(TOKEN|SECRET|PASSWORD|API_KEY|ACCESS_KEY)/;
const WORDS = /secret|token|passw|credential|api_?key|access_?key|_KEY\b/i;

/** Whether code that stands in a command looks for credentials in its environment, or prints one. */
export function huntsInCode(name: string, args: readonly string[]): boolean {
  return codeOptions(name, args).some((given) => {
    const code = bounded(given);
    return (ALL_VARIABLES.test(code) && WORDS.test(code)) || PRINTS_ONE.test(code);
  });
}
