import { once } from "node:events";
import { createServer, connect, type AddressInfo, type Server, type Socket } from "node:net";

/** A link that can be cut, slowed down and half closed: a TCP proxy on loopback. */
export class TcpProxy {
  /** Bytes that have come back from the target. */
  bytesBack = 0;
  /** Called with each piece that goes to the target, before it goes. */
  onForward: (chunk: Buffer) => void = () => {};
  /** Called with each piece that comes back; false drops it. */
  onBack: (chunk: Buffer) => boolean = () => true;
  /** Where it leads. */
  readonly target: string;
  readonly #server: Server;
  readonly #links = new Set<Socket>();
  #isCut = false;
  /** What is to be done with the pieces that are held back; null while none are. */
  #held: (() => void)[] | null = null;

  private constructor(target: string, server: Server) {
    this.target = target;
    this.#server = server;
  }

  static async start(target: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(target);
    const server = createServer({ allowHalfOpen: true });
    const proxy = new TcpProxy(target, server);
    server.on("connection", (client) => proxy.#link(client, connect(Number(port), hostname)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends every connection at once, and refuses new ones until it is healed. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#links) socket.destroy();
  }

  /** Ends every connection at once; new ones work. */
  reset(): void {
    for (const socket of this.#links) socket.destroy();
  }

  /** The target closes its half, as a peer does whose machine goes down in good order. */
  halfClose(): void {
    for (const socket of this.#links) socket.end();
  }

  /** What comes from now on goes on only when it is released. */
  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const forward of held) forward();
  }

  heal(): void {
    this.#isCut = false;
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #link(client: Socket, target: Socket): void {
    if (this.#isCut) {
      client.destroy();
      target.destroy();
      return;
    }
    for (const socket of [client, target]) {
      this.#links.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#links.delete(socket);
        client.destroy();
        target.destroy();
      });
    }
    client.on("data", (chunk: Buffer) => {
      const wasHeld = this.#held;
      this.onForward(chunk);
      if (wasHeld === null) target.write(chunk);
      else wasHeld.push(() => target.write(chunk));
    });
    target.on("data", (chunk: Buffer) => {
      if (!this.onBack(chunk)) return;
      this.bytesBack += chunk.length;
      if (client.write(chunk)) return;
      target.pause();
      client.once("drain", () => target.resume());
    });
    client.on("end", () => target.end());
    target.on("end", () => client.end());
  }
}
