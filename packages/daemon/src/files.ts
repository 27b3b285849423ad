// Files that survive a crash: without anything else that a daemon needs, for programs that start often.
export { requirePlainPath } from "./plain-path.js";
export { replaceFile, syncDirectory } from "./durable.js";
export { writeStream, type WrittenFile } from "./write-stream.js";
