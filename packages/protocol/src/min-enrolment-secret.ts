/** Shortest enrolment secret that should be used, in characters. */
export const MIN_ENROLMENT_SECRET = 16;
