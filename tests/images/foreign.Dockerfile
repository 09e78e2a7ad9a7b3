# An image that knows nothing of this project, and does not promise to listen where it is told
ARG BASE
FROM ${BASE}
COPY foreign.py /srv/
ENTRYPOINT ["python3", "/srv/foreign.py"]
