/** What several rules advise to do instead. */
export const STAGE =
  "Put the data into the job's directory and submit it along, instead of fetching it.";
export const STAY =
  "Work in the job's own directory, in $TMPDIR, or in a scratch directory of your own.";
export const ASK = "Leave this to the administrator of the machine.";
export const PLAIN = "Write the command out plainly, so that it can be checked.";
