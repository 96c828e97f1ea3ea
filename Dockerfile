# The server of `keras-musictag serve`: the page and the REST interface. docs/serving.md says how to run it.
#
#     docker build -t keras-musictag .
#     docker run --rm -p 127.0.0.1:8000:8000 keras-musictag

FROM python:3.11-slim-bookworm AS build
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

# No Debian packages are added: the wheels of PyAV, soundfile and the engines contain their libraries, and need only
# libstdc++, libgcc and zlib, which this image has.
FROM python:3.11-slim-bookworm
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir "$(echo /wheels/*.whl)[web,export]" \
    && rm -r /wheels \
    && useradd --create-home --uid 1000 musictag \
    && install --directory --owner=musictag /data

# /data: fetched weights, exported models, and the user's own zoo entries
ENV KERAS_MUSICTAG_HOME=/data \
    PYTHONUNBUFFERED=1 \
    TF_CPP_MIN_LOG_LEVEL=2
VOLUME /data
USER musictag
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
# Clients need the token in the address that the server prints, or that of -e KERAS_MUSICTAG_TOKEN=...
ENTRYPOINT ["keras-musictag", "serve", "--host", "0.0.0.0", "--port", "8000"]
