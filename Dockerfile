# The one image of web, worker, beat and migrations; docs/containers.md. Its folders are those of the clone, so that what
# the guide says of a clone goes for it.
ARG PYTHON_IMAGE=python:3.13-slim
ARG NODE_IMAGE=node:24-slim

# Manifests apart from sources, found rather than listed: a layer made of them stays as it is until one of them changes.
FROM ${PYTHON_IMAGE} AS sources
WORKDIR /sources
COPY . .
RUN chmod -R u=rwX,go=rX . \
    && mkdir -p /python /browser /manifests/python /manifests/browser \
    && find . -name pyproject.toml -exec cp --parents -t /manifests/python {} + \
    && find . -name package.json -exec cp --parents -t /manifests/browser {} + \
    && cp uv.lock /manifests/python && cp package-lock.json .npmrc /manifests/browser \
    && find host/client_app packages modules/*/frontend tsconfig.json -type f -exec cp --parents -t /browser {} + \
    && rm -r host/client_app modules/*/frontend \
    && cp -r pyproject.toml uv.lock host framework modules migrations /python \
    && for name in build secrets database broker certificate origin programs spool backups; do \
        install -d -o 10001 -g 10001 "/seamark/srv/seamark/$name" || exit 1; done

FROM ${NODE_IMAGE} AS browser
WORKDIR /app
COPY --from=sources /manifests/browser ./
RUN npm ci
COPY --from=sources /browser ./
RUN npm run build

FROM ${PYTHON_IMAGE} AS dependencies
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /app
COPY --from=sources /manifests/python ./
RUN uv sync --locked --no-cache --all-packages --extra backup --no-dev --no-install-workspace \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash .venv/lib

FROM ${PYTHON_IMAGE} AS runtime
WORKDIR /app
COPY --from=dependencies /app/.venv .venv
COPY --from=sources /python ./
# The members themselves: links to their folders, and no package from anywhere. uv is here for this line only; when it
# was is taken out, so that the same inputs make the same image.
RUN --mount=type=bind,from=dependencies,source=/usr/local/bin/uv,target=/usr/local/bin/uv \
    UV_PYTHON_DOWNLOADS=never uv sync --frozen --offline --no-cache --all-packages --extra backup --no-dev \
    && find .venv/lib -name RECORD -exec grep -q uv_cache {} ';' -exec sed -i /uv_cache/d {} ';' \
    && rm .venv/.lock .venv/lib/python*/site-packages/*.dist-info/uv_cache.json \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash host framework modules migrations
COPY --from=browser /app/host/client_app/dist host/client_app/dist
COPY --from=sources /seamark /
# A name for the number: programs that ask who they are take nobody for root.
RUN echo 'seamark:x:10001:10001::/tmp:/usr/sbin/nologin' >> /etc/passwd && echo 'seamark:x:10001:' >> /etc/group

ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
CMD ["sm", "web", "--host", "0.0.0.0"]

ARG VERSION=0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Seamark" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
