"""Answers the value of the Python expression it is sent: what a container can see and do."""

import http.server
import os
import signal
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def do_POST(self):
        code = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            answer = str(eval(code, {"os": os, "sys": sys}))
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer.encode())


def end(*_):
    print("asked to end", file=sys.stderr, flush=True)
    os._exit(0)


signal.signal(signal.SIGTERM, end)
print("evaluating", flush=True)
port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
http.server.ThreadingHTTPServer(("0.0.0.0", port), Handler).serve_forever()
