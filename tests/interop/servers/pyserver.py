"""A TLS server on Python's ssl module, for the interop tests: pyserver.py PORT OPTIONS(JSON)."""
import http.server
import json
import ssl
import sys

port, o = int(sys.argv[1]), json.loads(sys.argv[2])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(o["cert"], o["key"])
if "min" in o:
    context.minimum_version = ssl.TLSVersion[o["min"]]
if "max" in o:
    context.maximum_version = ssl.TLSVersion[o["max"]]
if "ciphers" in o:
    context.set_ciphers(o["ciphers"])
if "curve" in o:
    context.set_ecdh_curve(o["curve"])
if "alpn" in o:
    context.set_alpn_protocols(o["alpn"])
if "ca" in o:
    context.load_verify_locations(o["ca"])
    context.verify_mode = ssl.CERT_REQUIRED


class Handler(http.server.BaseHTTPRequestHandler):
    timeout = 10

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET


class Server(http.server.ThreadingHTTPServer):
    def finish_request(self, request, address):
        try:
            with context.wrap_socket(request, server_side=True) as tls:
                self.RequestHandlerClass(tls, address, self)
        except OSError as e:
            print(e, file=sys.stderr)


Server(("127.0.0.1", port), Handler).serve_forever()
