import { type Socket, connect } from "node:net";

/** As many connections as wanted that ask nothing. Those that the other side closes are opened again. */
export class IdleConnections {
  readonly #sockets = new Set<Socket>();
  readonly #timer: NodeJS.Timeout;

  constructor(url: string, wanted: number) {
    const { hostname, port } = new URL(url);
    this.#timer = setInterval(() => {
      while (this.#sockets.size < wanted) this.#open(hostname, Number(port));
    }, 10);
  }

  #open(host: string, port: number): void {
    const socket = connect({ host, port });
    this.#sockets.add(socket);
    socket.resume();
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
  }

  close(): void {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
  }
}
