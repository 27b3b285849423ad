/** What an open file and what stands for one have in common: its size, and bytes from anywhere in it. */
export interface RandomAccess {
  stat(): Promise<{ readonly size: number }>;
  /** Reads into a part of the buffer; fewer bytes than asked for only at the end of the file. */
  read(
    into: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;
}
