# An agent that runs other people's scripts: no root, nothing to write but its data, bubblewrap inside.
# What it needs of the engine, and why, is in docs/sandbox.md; compose.yaml asks for it.
ARG NODE_IMAGE=node:20.20.2-bookworm-slim

FROM ${NODE_IMAGE} AS build
ARG NPM_CONFIG_REGISTRY
WORKDIR /src
COPY package.json package-lock.json tsconfig.json tsconfig.base.json ./
COPY test/package.json test/
COPY packages packages
# Neither compiling nor an agent needs anything native: no package runs code of its own here.
RUN npm install --no-save --no-audit --no-fund --ignore-scripts \
  && npx tsc -b packages/agent \
  && rm -rf node_modules \
  && npm install --no-save --no-audit --no-fund --ignore-scripts --omit=dev --workspace packages/agent \
  && find packages -name src -prune -exec rm -rf {} +

FROM ${NODE_IMAGE}
RUN if ! { command -v bwrap && command -v tini; } > /dev/null; then \
    apt-get update && apt-get install --yes --no-install-recommends bubblewrap tini \
    && rm -rf /var/lib/apt/lists/*; \
  fi \
  && groupadd --gid 10001 jobctl \
  && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin jobctl \
  && install -d -o jobctl -g jobctl -m 0700 /var/lib/jobctl
COPY --from=build /src/node_modules /opt/jobctl/node_modules
COPY --from=build /src/packages /opt/jobctl/packages
ENV NODE_ENV=production \
  JOBCTL_AGENT_HOST=0.0.0.0 \
  JOBCTL_AGENT_DATA_PATH=/var/lib/jobctl \
  JOBCTL_AGENT_TOKEN_FILE=/run/secrets/agent-token \
  JOBCTL_AGENT_SANDBOX=bubblewrap
USER 10001:10001
VOLUME /var/lib/jobctl
EXPOSE 9000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9000/live').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--", "node", "/opt/jobctl/packages/agent/dist/main.js"]
