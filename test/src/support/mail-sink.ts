import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";

/** A mail that has arrived. */
export interface ReceivedMail {
  /** What the sender logged in with, as `user:password`; null when it did not. */
  readonly login: string | null;
  readonly to: readonly string[];
  /** Headers and body, as they were sent. */
  readonly text: string;
}

/** A mail server on loopback that accepts everything and keeps it: as much of SMTP as senders need. */
export class MailSink {
  readonly mails: ReceivedMail[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((socket) => void this.#serve(socket).catch(() => socket.destroy()));
  }

  static async start(): Promise<MailSink> {
    const sink = new MailSink();
    sink.#server.listen(0, "127.0.0.1");
    await once(sink.#server, "listening");
    return sink;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(socket: Socket): Promise<void> {
    const answer = (line: string): boolean => socket.write(`${line}\r\n`);
    answer("220 localhost");
    let [login, to, text]: [string | null, string[], string[] | null] = [null, [], null];
    for await (const line of createInterface({ input: socket })) {
      if (text !== null) {
        if (line !== ".") text.push(line);
        else {
          this.mails.push({ login, to, text: text.join("\n") });
          [to, text] = [[], null];
          answer("250 kept");
        }
        continue;
      }
      const [verb = "", ...words] = line.split(" ");
      switch (verb.toUpperCase()) {
        case "EHLO":
          answer("250-localhost");
          answer("250 AUTH PLAIN");
          break;
        case "AUTH":
          login = Buffer.from(words[1] ?? "", "base64")
            .toString()
            .split("\0")
            .slice(1)
            .join(":");
          answer("235 welcome");
          break;
        case "RCPT":
          to.push(/<(.*)>/.exec(line)?.[1] ?? "");
          answer("250 fine");
          break;
        case "DATA":
          text = [];
          answer("354 go on");
          break;
        case "QUIT":
          answer("221 bye");
          socket.end();
          break;
        default:
          answer("250 fine");
      }
    }
  }
}
