import assert from "node:assert/strict";
import { it } from "node:test";

import { INHERITED_DESCRIPTOR, type PlacedCluster } from "../../support/sandbox-places.js";
import { shows } from "../../support/shows.js";

/** What the agent was started with must not reach a job: every place starts it with an open directory. */
export function defineDescriptorAttacks(place: () => PlacedCluster): void {
  it("a job has no descriptor but its input, its output and its errors", async (t) => {
    shows(t, "job-starts-clean");
    const script = `
for fd in /proc/self/fd/*; do echo "open \${fd##*/}"; done
cat /proc/self/fd/${INHERITED_DESCRIPTOR}/inherited && echo escaped
echo x > /proc/self/fd/${INHERITED_DESCRIPTOR}/written && echo escaped
exit 0
`;
    const { cluster } = place();
    const id = await cluster.submitScript(script, "--wait");
    const output = await cluster.ok(["logs", String(id), "--stream", "stdout"]);
    assert.doesNotMatch(output, /escaped/);
    const open = [...output.matchAll(/^open (\d+)$/gm)].map(([, number]) => Number(number));
    // bash reads the script through 255, and lists the directory through 3.
    assert.deepEqual(
      open.filter((number) => number !== 3 && number !== 255),
      [0, 1, 2],
    );
  });
}
