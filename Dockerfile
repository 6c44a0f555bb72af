# Node's current long-term support line on Debian slim. LMDB comes compiled for glibc, so there is no compiler in any stage.
ARG NODE_VERSION=24

FROM node:${NODE_VERSION}-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY deploy/rolldown.config.js ./deploy/
COPY src ./src
RUN npm run build

FROM node:${NODE_VERSION}-slim AS dependencies
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:${NODE_VERSION}-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=dependencies /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
# The outbox lives here, whatever `dataDir` the configuration file names.
ENV LPWAN_DATA_DIR=/var/lib/lpwan-bridge
RUN install --directory --owner=node --group=node --mode=0700 /var/lib/lpwan-bridge
VOLUME /var/lib/lpwan-bridge
USER node

# The public ingress, and the private listener for health and metrics.
ENV LPWAN_PRIVATE_PORT=9090
EXPOSE 8080 9090
# `/live` answers while the event loop turns.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.LPWAN_PRIVATE_PORT + '/live').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

STOPSIGNAL SIGTERM
# One thread for V8's collector and compiler: docs/decisions/0023-one-thread-for-v8.md.
ENTRYPOINT ["node", "--v8-pool-size=1", "dist/main.js"]
CMD ["start", "--config", "/etc/lpwan-bridge/bridge.yaml"]
