# containers/scripted with a copy of httptools for the base image's Python; the context is made by images.py
ARG BASE
FROM ${BASE}
COPY . /opt/app/
ENV PYTHONPATH=/opt/app:/opt/app/packages PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 BIND_HOST=0.0.0.0
LABEL com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true
ENTRYPOINT ["python3", "-m", "sagemaker_transform_emulator.containers.scripted"]
CMD ["ignored"]
