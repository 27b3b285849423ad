/**
 * Whether a glob matches a name. Takes time in proportion to the lengths of both multiplied, whatever is in them.
 */
export function globMatches(glob: string, name: string): boolean {
  const pieces = glob.match(/\[[!^]?\]?(?:\[:\w{1,10}:\]|[^\]]){0,200}\]|\\[\s\S]|[\s\S]/g) ?? [];
  let [piece, at] = [0, 0];
  let star: { piece: number; at: number } | null = null;
  while (at < name.length) {
    const current = pieces[piece];
    if (current === "*") {
      star = { piece, at };
      piece += 1;
    } else if (current !== undefined && matchesOne(current, name[at] ?? "")) {
      piece += 1;
      at += 1;
    } else if (star !== null) {
      star = { piece: star.piece, at: star.at + 1 };
      [piece, at] = [star.piece + 1, star.at];
    } else return false;
  }
  return pieces.slice(piece).every((rest) => rest === "*");
}

function matchesOne(piece: string, char: string): boolean {
  if (piece === "?") return true;
  if (piece.length < 3) return piece.replace("\\", "") === char;
  const negated = /^\[[!^]/.test(piece);
  const set = piece.slice(negated ? 2 : 1, -1);
  const classes: Readonly<Record<string, RegExp>> = {
    "[:alpha:]": /[a-zA-Z]/,
    "[:lower:]": /[a-z]/,
    "[:upper:]": /[A-Z]/,
    "[:digit:]": /\d/,
    "[:alnum:]": /[a-zA-Z\d]/,
  };
  const named = Object.entries(classes).some(
    ([name, chars]) => set.includes(name.slice(1, -2)) && chars.test(char),
  );
  const ranges = [...set.matchAll(/(.)-(.)/gs)];
  const inside =
    named ||
    set.includes(char) ||
    ranges.some(([, from = "", to = ""]) => from <= char && char <= to);
  return inside !== negated;
}
