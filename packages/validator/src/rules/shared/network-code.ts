import { bounded } from "../../bounded.js";

/** Code that opens a connection, or waits for one; not `sqlite3.connect(...)`. */
const CONNECTS =
  /\.connect(_ex)?\s?\(\s?\(|sockaddr|socket\b[^]{0,500}:connect\s?\(|Socket\s?\(|fsockopen|TCPSocket|TCPServer|\bnet\.(connect|createConnection|createServer|Socket|Dial|Listen)|require\(\s?["'](node:)?(net|tls|dgram)["']\s?\)|IO::Socket|create_connection|open_connection|start_server\s?\(|require\s?\(?\s?["']socket|create_server|socket\.(tcp|bind|connect)|stream_socket_(client|server)|\bsocket_(create|connect|bind|listen)\b|java\.net\.(Socket|ServerSocket)|\busing Sockets\b|Sockets\.(connect|listen)|\bsocketConnection\b|make\.socket|\bTcpStream::|\bTCPClient\b|\bsocket\s{1,4}-server\b|\[\s?socket\s|\bset\s+\w+\s+\[socket\b|gen_tcp|\buse\s+Socket\b/;
/** Code that gives what comes in to a process. */
const GIVES_AWAY =
  /dup2|pty\.spawn|subprocess|os\.system|os\.execute|io\.popen|\bexec|spawn|popen|\/bin\/(ba|da|z)?sh|child_process|shell_exec|passthru|fdopen|system\$|open\s?\(?STDIN|`\$_`|\bqx\b|ProcessBuilder|getRuntime\(\)|os\/exec|exec\.Command|proc_open|\bsystem2?\s?\(|\b(run|read|open|readchomp|success)\s?\(\s?(pipeline|`)|Command::new|Process\.Start|os:cmd|\bload(string)?\s?\(|instance_eval|\beval\s?\(/;

/** Whether code of another language opens a connection, or waits for one. */
export function connects(code: string): boolean {
  return CONNECTS.test(bounded(code));
}

/** Whether code of another language connects a process to the network: a shell for somebody else. */
export function connectsProcess(code: string): boolean {
  const text = bounded(code);
  return CONNECTS.test(text) && GIVES_AWAY.test(text);
}
