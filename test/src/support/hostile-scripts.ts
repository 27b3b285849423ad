const SIZE = 1024 * 1024;

/** A piece again and again, to a script of one mebibyte. */
function fill(piece: string, end = ""): string {
  return piece.repeat(Math.floor((SIZE - end.length) / piece.length)) + end;
}

/** Texts of the largest size that a script may have, each made to be slow to understand. */
export const HOSTILE_SCRIPTS: ReadonlyMap<string, string> = new Map([
  ["blank lines", fill("\n")],
  ["blanks", fill(" ")],
  ["pipes", fill("a|", "a")],
  ["pipes of rev", fill("rev |", "a")],
  ["process substitutions that are not closed", fill("<(")],
  ["process substitutions", `cat ${fill("<(a) ", "     ")}`.slice(0, SIZE)],
  ["nested quotes", fill('"$(')],
  ["arithmetic", fill("$((")],
  ["here-documents", fill("cat <<E\nE\n")],
  ["here-documents of one line", fill("<<E ", "\nE\n")],
  ["one word", fill("x")],
  ["comments", fill("# jobctl: allow\n")],
  ["one comment", fill("#")],
  ["assignments", fill("a=$a$b\n")],
  ["expansions", fill("$a")],
  ["appended pieces", fill("a+=b\n", "$a")],
  ["braces", fill("{a,b}")],
  ["words", fill("a ")],
  ["calls of a function", `f() { $1 $@; }\n${fill("f a;", "f() { $1 $@; }\n")}`.slice(0, SIZE)],
  ["evaluations", fill("eval eval $a\n")],
  ["wrappers", fill("env srun -a b ")],
  ["commands of find", fill("find . -exec ls {} + ")],
  ["nested loops", fill(`${"for x in a b; do ".repeat(100)}y=$y$x; ${"done; ".repeat(100)}\n`)],
  ["nested pipes", fill(`${"(a|".repeat(100)}b${")".repeat(100)}\n`)],
  ["refused commands", fill("sudo a\n")],
]);
