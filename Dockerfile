# Everything that runs is pinned in requirements.lock: its hashes are checked in the first stage, the second stage
# installs from the checked wheels alone.
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements.lock ./
RUN pip wheel --no-cache-dir --require-hashes --no-deps --wheel-dir /wheels -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN python -m venv /opt/baileykeep/venv \
 && /opt/baileykeep/venv/bin/pip install --no-cache-dir --no-index --find-links /wheels .

FROM python:3.11-slim AS runtime
# 1000 is the user of Node's official images: auth files keep the owner that the gateway gave them.
ARG UID=1000
ARG GID=1000
RUN groupadd --gid "$GID" baileykeep \
 && useradd --uid "$UID" --gid "$GID" --no-create-home --home-dir /data/state --shell /usr/sbin/nologin baileykeep \
 && install -d -m 0700 -o "$UID" -g "$GID" /data /data/auth /data/backups /data/state \
 && install -d -m 0755 /etc/baileykeep
COPY --from=build /opt/baileykeep/venv /opt/baileykeep/venv
ENV PATH=/opt/baileykeep/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BAILEYKEEP_STATE_DIR=/data/state \
    BAILEYKEEP_BACKUPS_DIR=/data/backups
USER baileykeep
VOLUME ["/data/auth", "/data/backups", "/data/state"]
EXPOSE 8420
STOPSIGNAL SIGTERM
# Whether the daemon itself is well; a company that is down must not get its supervisor restarted.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8420, timeout=8); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["baileykeep"]
CMD ["run", "--config", "/etc/baileykeep"]
