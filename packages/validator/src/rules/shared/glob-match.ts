/** Choices within choices that are followed. */
const MAX_DEPTH = 6;

/**
 * A pattern of the shell, to be tried on paths. A trial takes at most the product of their lengths, however many stars
 * there are. Classes and choices of extended patterns are taken for anything that they may match.
 */
export function globMatcher(pattern: string): (path: string) => boolean {
  const parts = simple(pattern).split("/");
  return (path) => {
    const segments = path.split("/");
    return (
      parts.length === segments.length &&
      parts.every((part, at) => segmentMatches(part, segments[at] ?? ""))
    );
  };
}

/** Only with `*` and `?`. */
function simple(pattern: string): string {
  let text = withoutClasses(pattern);
  for (let depth = 0; depth < MAX_DEPTH; depth += 1)
    text = text.replace(/[@+*?!]\([^()/]{0,200}\)/g, "*");
  return text.replace(/\{[^{}/]{0,200}\}/g, "*").replace(/\*{2,}/g, "*");
}

/** Each `[...]` is one character. */
function withoutClasses(pattern: string): string {
  let text = "";
  let at = 0;
  for (let open = pattern.indexOf("["); open !== -1; open = pattern.indexOf("[", at)) {
    // The first character of a class may be the bracket that ends others.
    const inside = open + (/[!^]/.test(pattern[open + 1] ?? "") ? 2 : 1);
    const named = pattern.startsWith("[:", inside) ? pattern.indexOf(":]", inside + 2) + 2 : 0;
    const close = pattern.indexOf("]", Math.max(inside + 1, named));
    if (close === -1) break;
    text += `${pattern.slice(at, open)}?`;
    at = close + 1;
  }
  return text + pattern.slice(at);
}

function segmentMatches(pattern: string, text: string): boolean {
  // A name that begins with a dot is only matched by a pattern that does.
  if (text.startsWith(".") && !pattern.startsWith(".")) return false;
  let at = 0;
  let star = -1;
  let starText = 0;
  let next = 0;
  while (next < text.length) {
    const char = pattern[at];
    if (char === "*") {
      star = at;
      starText = next;
      at += 1;
    } else if (char === "?" || (char !== undefined && char === text[next])) {
      at += 1;
      next += 1;
    } else if (star !== -1) {
      starText += 1;
      next = starText;
      at = star + 1;
    } else return false;
  }
  while (pattern[at] === "*") at += 1;
  return at === pattern.length;
}
