# Images that know nothing of this project, and do not promise to listen where they are told
ARG BASE
FROM ${BASE}
ARG SCRIPT=foreign.py
COPY ${SCRIPT} /srv/server.py
ENTRYPOINT ["python3", "/srv/server.py"]
