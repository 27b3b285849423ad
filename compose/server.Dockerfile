# The server: no root, nothing to write but its data.
ARG NODE_IMAGE=node:20.20.2-bookworm-slim
# With a compiler: SQLite's binding is built where no binary of it can be fetched.
ARG NODE_BUILD_IMAGE=node:20.20.2-bookworm

FROM ${NODE_BUILD_IMAGE} AS build
ARG NPM_CONFIG_REGISTRY
WORKDIR /src
COPY package.json package-lock.json tsconfig.json tsconfig.base.json ./
COPY test/package.json test/
COPY packages packages
RUN npm install --no-save --no-audit --no-fund --ignore-scripts \
  && npx tsc -b packages/server packages/cli \
  && rm -rf node_modules \
  && npm install --no-save --no-audit --no-fund --omit=dev --workspace packages/server --workspace packages/cli \
  && find packages -name src -prune -exec rm -rf {} +

FROM ${NODE_IMAGE}
RUN if ! command -v tini > /dev/null; then \
    apt-get update && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/*; \
  fi \
  && groupadd --gid 10001 jobctl \
  && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin jobctl \
  && install -d -o jobctl -g jobctl -m 0700 /var/lib/jobctl /backup \
  && ln -s /opt/jobctl/packages/cli/dist/main.js /usr/local/bin/jobctl
COPY compose/nightly-backup /usr/local/bin/nightly-backup
COPY --from=build /src/node_modules /opt/jobctl/node_modules
COPY --from=build /src/packages /opt/jobctl/packages
ENV NODE_ENV=production \
  JOBCTL_HOST=0.0.0.0 \
  JOBCTL_DATA_PATH=/var/lib/jobctl \
  JOBCTL_ADMIN_TOKEN_FILE=/run/secrets/admin-token \
  JOBCTL_AGENT_TOKEN_FILE=/run/secrets/agent-token \
  JOBCTL_AGENTS=dns+http://agent:9000 \
  JOBCTL_SERVER=http://127.0.0.1:8470 \
  JOBCTL_TOKEN_FILE=/run/secrets/admin-token
USER 10001:10001
VOLUME /var/lib/jobctl
EXPOSE 8470
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8470/ready').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--", "node", "/opt/jobctl/packages/server/dist/main.js"]
