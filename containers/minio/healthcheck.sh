#!/bin/bash
# Exit code 0 when MinIO says that it is ready. Bash speaks HTTP here, so that the image needs no client.
exec 3<>/dev/tcp/127.0.0.1/9000 || exit 1
printf 'GET /minio/health/ready HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
read -r -t 2 _ status _ <&3
[ "$status" = 200 ]
