// A rule for oxlint, beside its own no-restricted-properties: `new Date()` reads the clock like Date.now.
const MESSAGE =
  "time stamps come from wallClock() or wallInstant() of @jobctl/daemon, durations from performance.now()";

// oxlint-disable-next-line import/no-default-export -- what oxlint loads a plugin by
export default {
  meta: { name: "jobctl" },
  rules: {
    "no-new-date": {
      create: (context) => ({
        NewExpression(node) {
          if (node.callee.name === "Date" && node.arguments.length === 0)
            context.report({ node, message: MESSAGE });
        },
        CallExpression(node) {
          if (node.callee.type === "Identifier" && node.callee.name === "Date")
            context.report({ node, message: MESSAGE });
        },
      }),
    },
  },
};
