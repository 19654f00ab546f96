# The assistant with its models, which come in the locked packages. It runs as nobody in particular, on a root file
# system that may be read-only; /data is the one folder it writes, beside /tmp.
#
#   docker build -t union-state-assistant:0.1.0 .
#
# Ray is left out: the cluster that embeds in bulk has machines of its own.
#
# Where pip is to find a CPU build of torch, say so as for any pip: --build-arg PIP_EXTRA_INDEX_URL=...
FROM python:3.11.14-slim-bookworm AS base
WORKDIR /app

FROM base AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends make \
 && rm -rf /var/lib/apt/lists/*
ARG PIP_EXTRA_INDEX_URL
COPY . .
RUN make setup PYTHON=python3.11 RAY= \
 && .venv/bin/python -m compileall -q assistant index prompts

FROM base
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin assistant \
 && install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    ASSISTANT_DATA=/data ASSISTANT_HOST=0.0.0.0 ASSISTANT_PORT=8000
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["python", "-m", "assistant", "serve"]
