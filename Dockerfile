# docker build -t portico .
# docker run -p 8080:8080 -v ./config:/app/config:ro -v portico-data:/app/data -e PORTICO_KEY portico
#
# In the mounted configuration: `listen: { host: 0.0.0.0, port: 8080 }`; leave `ops` on 127.0.0.1 or 0.0.0.0, where the
# health check asks, or set PORTICO_OPS to its origin. Several processes on one machine: `portico serve --workers N`.
# Several instances, with Redis: deploy/.

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The optional dependencies are Node itself, which this image has.
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:24-bookworm-slim
ENV NODE_ENV=production PORTICO_OPS=http://127.0.0.1:9090
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY . .
RUN mkdir -p data node_modules/.cache/portico && chmod 700 node_modules/.cache/portico && chown node:node data node_modules/.cache/portico
USER node
# Compiled code, where bin/compile-cache.js looks for it: a new container starts as fast as one that ran before.
RUN NODE_COMPILE_CACHE=node_modules/.cache/portico node -e "Promise.all(['main', 'gateway', 'config/read', 'config/watch'].map(part => import('/app/src/' + part + '.ts')))"
VOLUME /app/data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(process.env.PORTICO_OPS + '/livez').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "bin/portico.js"]
CMD ["serve"]
