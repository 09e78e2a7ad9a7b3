# containers/faulty for the tests of the checks; `nothing` is an image without any way to serve
ARG BASE
FROM ${BASE} AS unlabelled
COPY . /opt/app/
ENV PYTHONPATH=/opt/app:/opt/app/packages PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 BIND_HOST=0.0.0.0
ENTRYPOINT ["python3", "-m", "sagemaker_transform_emulator.containers.faulty"]

FROM unlabelled AS labelled
LABEL com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true

FROM ${BASE} AS nothing
ENTRYPOINT []
