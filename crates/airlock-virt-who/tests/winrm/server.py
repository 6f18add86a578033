"""A WinRM host for tests that takes NTLM only and only sealed messages: spnego (pyspnego) is the acceptor.

Prints its address. Two guests, one host. The account is LAB\\reader with the password Pässword1.
"""
import base64
import os
import re
import struct
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

accounts = tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8")
accounts.write("LAB:reader:Pässword1\n")
accounts.flush()
os.environ["NTLM_USER_FILE"] = accounts.name

import spnego  # noqa: E402 (the variable above has to be there first)

BOUNDARY = b"--Encrypted Boundary"
KIND = 'multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"'


def envelope(body):
    return ('<s:Envelope xmlns:s="s" xmlns:n="n" xmlns:p="p" xmlns:i="i"><s:Header/><s:Body>' + body
            + "</s:Body></s:Envelope>").encode()


def items(*rows):
    rows = "".join("<p:R>" + "".join(f"<p:{name}>{value}</p:{name}>" for name, value in row.items()) + "</p:R>"
                   for row in rows)
    return f"<n:PullResponse><n:Items>{rows}</n:Items><n:EndOfSequence/></n:PullResponse>"


LISTS = {
    "BIOSGUID": items({"BIOSGUID": "{78563412-AB90-EFCD-1234-567890ABCDEF}", "VirtualSystemIdentifier": "A"},
                      {"BIOSGUID": "{42216992-7A40-5701-A681-3E560A389C02}", "VirtualSystemIdentifier": "B"}),
    "vmms": items({"Path": "\\windows\\system32\\", "Version": "10.0.17763.1"}),
    "DNSHostName": items({"DNSHostName": "hv1", "NumberOfProcessors": 2}),
    "select UUID": items({"UUID": "78563412-AB90-EFCD-1234-567890ABCDEF"}),
}


def answer(message):
    if "GetSummaryInformation" in message:
        return envelope("<p:GetSummaryInformation_OUTPUT><p:SummaryInformation><i:EnabledState>2</i:EnabledState>"
                        "<i:Name>A</i:Name></p:SummaryInformation></p:GetSummaryInformation_OUTPUT>")
    found = re.search(r"EnumerationContext>uuid:(\d)<", message)
    if found:
        return envelope(list(LISTS.values())[int(found[1])])
    number = next(at for at, word in enumerate(LISTS) if word in message)
    return envelope(f"<n:EnumerateResponse><n:EnumerationContext>uuid:{number}</n:EnumerationContext></n:EnumerateResponse>")


class Host(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.context = None

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        login = self.headers.get("Authorization", "")
        if login.startswith("Negotiate "):
            return self.log_in(base64.b64decode(login[10:]))
        if self.context is None or not self.context.complete:
            return self.reply(401, WWW_Authenticate="Negotiate")
        if not self.headers.get("Content-Type", "").startswith("multipart/encrypted"):
            return self.reply(400)
        start = body.index(b"application/octet-stream\r\n") + 26
        part = body[start:body.rindex(BOUNDARY)]
        length = struct.unpack("<I", part[:4])[0]
        message = self.context.unwrap_winrm(part[4:4 + length], part[4 + length:])
        header, sealed, _ = self.context.wrap_winrm(answer(message.decode()))
        declared = re.search(rb"Length=(\d+)", body)[1]
        assert int(declared) == len(message)
        out = (BOUNDARY + b"\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n"
               b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=0\r\n"
               + BOUNDARY + b"\r\n\tContent-Type: application/octet-stream\r\n"
               + struct.pack("<I", len(header)) + header + sealed + BOUNDARY + b"--\r\n")
        self.reply(200, out, Content_Type=KIND)

    def log_in(self, token):
        if self.context is None or self.context.complete:
            self.context = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.wrapping_winrm)
        try:
            challenge = self.context.step(token)
        except spnego.exceptions.SpnegoError:
            self.context = None
            return self.reply(401, WWW_Authenticate="Negotiate")
        if self.context.complete:
            return self.reply(200)
        self.reply(401, WWW_Authenticate="Negotiate " + base64.b64encode(challenge).decode())


server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
