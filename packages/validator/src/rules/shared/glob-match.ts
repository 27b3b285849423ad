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
  const text = withoutGroups(withoutClasses(pattern), /[@+*?!]\(/g, "(", ")");
  return withoutGroups(text, /\{/g, "{", "}").replace(/\*{2,}/g, "*");
}

/** Each group, with those inside it, is a star. */
function withoutGroups(text: string, begins: RegExp, open: string, close: string): string {
  let result = "";
  let at = 0;
  for (const start of text.matchAll(begins)) {
    // One inside the last.
    if (start.index < at) continue;
    let end = start.index + start[0].length;
    for (let depth = 1; depth > 0 && end < text.length; end += 1) {
      if (text[end] === open) depth += 1;
      else if (text[end] === close) depth -= 1;
    }
    if (text[end - 1] !== close) break;
    result += `${text.slice(at, start.index)}*`;
    at = end;
  }
  return result + text.slice(at);
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
