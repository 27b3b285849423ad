/**
 * Whether a pattern of the shell matches a path. It takes at most the product of their lengths, however many stars
 * there are. Classes and choices of extended patterns are taken for anything that they may match.
 */
export function globMatches(pattern: string, path: string): boolean {
  const patterns = simple(pattern).split("/");
  const segments = path.split("/");
  return (
    patterns.length === segments.length &&
    patterns.every((part, at) => segmentMatches(part, segments[at] ?? ""))
  );
}

/** Only with `*` and `?`. */
function simple(pattern: string): string {
  let text = pattern.replace(/\[[!^]?(?:\[:\w{1,9}:\]|[^/])[^\]/]{0,1000}\]/g, "?");
  // From the inside out, as deep as they are nested.
  for (let before = ""; before !== text;) {
    before = text;
    text = text.replace(/[@+*?!]\([^()/]{0,1000}\)/g, "*");
  }
  return text.replace(/\{[^{}/]{0,1000}\}/g, "*").replace(/\*{2,}/g, "*");
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
