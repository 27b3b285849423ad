import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { hasAnyOption, hasVerb, matches } from "./arguments.js";
import { isLocal, staysLocal } from "./hosts.js";
import { mayBeMetadata, metadataHost } from "./metadata.js";
import { sshCall } from "./ssh.js";

const words = (line: string): string[] => line.split(" ");

describe("the arguments of a program", () => {
  it("finds its verb behind options and their values", () => {
    for (const line of ["push", "-C dir push", "-c a=b -c c=d push x", "--git-dir=x push"])
      assert.ok(hasVerb(words(line), ["push"]), line);
    assert.ok(hasVerb(words("--profile p s3 cp a b"), ["s3 cp"]));
    for (const line of ["commit -m push", "log push", "s3 ls cp"])
      assert.ok(!hasVerb(words(line), ["push", "s3 cp"]), line);
  });

  it("finds short options alone, among others, and with their value", () => {
    for (const line of ["-d x", "-sd x", "-dx", "--data=x", "--data x"])
      assert.ok(hasAnyOption(words(line), ["-d", "--data"]), line);
    for (const line of ["d", "--database=x", "-s x", "x-d"])
      assert.ok(!hasAnyOption(words(line), ["-d", "--data"]), line);
  });

  it("finds what stands anywhere in a long argument", () => {
    const pad = "x".repeat(5000);
    for (let at = 0; at < 4000; at += 499)
      assert.ok(matches(`${pad.slice(at)} needle ${pad}`, /needle/));
  });

  it("tells the machine's own services from the job's", () => {
    for (const host of ["localhost", "http://127.0.0.1:8080/x", "[::1]:80", "me@localhost:x"])
      assert.ok(isLocal(host), host);
    for (const host of ["localhost.example.org", "http://localhost:2375/x", "127.0.0.1.nip.io"])
      assert.ok(!isLocal(host), host);
    assert.ok(staysLocal(words("-s -o out.txt http://localhost:80/")));
    assert.ok(!staysLocal(words("http://localhost/ http://example.org/")));
    assert.ok(!staysLocal(words("-x http://example.org:3128 http://localhost/")));
    assert.ok(!staysLocal(words("-s example.org localhost")));
    assert.ok(!staysLocal([]));
  });

  it("reads the options of ssh up to the command", () => {
    const { options, host, command } = sshCall(words("-fNp 22 me@h -v ls -L -R x"));
    assert.deepEqual(
      [options.map(({ letter, value }) => letter + value).join(" "), host, command],
      ["f N p22 v", "me@h", ["ls", "-L", "-R", "x"]],
    );
    assert.deepEqual(sshCall(words("-oProxyJump=a -L 1:b:2 h")).options, [
      { letter: "o", value: "ProxyJump=a" },
      { letter: "L", value: "1:b:2" },
    ]);
  });

  it("knows the addresses of metadata in any spelling", () => {
    const spellings = [
      ...["169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "025177524776"],
      ...["169.254.43518", "169.16689662", "0xa9.254.0xa9.254", "[::ffff:169.254.169.254]"],
      ...["[::ffff:a9fe:a9fe]", "[fd00:ec2::254]", "169.254.170.2", "100.100.100.200"],
      ...["metadata.google.internal", "169.254.169.254.nip.io"],
    ];
    for (const host of spellings) {
      const address = `http://${host}/latest/`;
      assert.ok(mayBeMetadata(address) && metadataHost(address, true) !== null, host);
    }
    for (const text of ["2852039166", "10.0.0.1", "http://2130706433/", "metadata.csv", "1.2.3"])
      assert.equal(metadataHost(text, false), null, text);
  });
});
