#!/usr/bin/python3
"""A real SMTP server that keeps every mail in a folder and prints a line for each.

The first line it prints is `port N`. A mail is written as NNNNNN.eml, complete when
it appears; with --parsed, NNNNNN.parsed stands beside it, written first: what Python's
email package makes of it, a line for each value: its name, a tab, the value in base64. Faults can be asked for: see --help.
"""

import argparse
import asyncio
import base64
import email
import email.policy
import logging
import os
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", required=True, help="where mails are written")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--tls", choices=["none", "starttls", "smtps"], default="none")
    parser.add_argument("--cert", help="PEM certificate, for --tls")
    parser.add_argument("--key", help="PEM key, for --tls")
    parser.add_argument("--user", help="require AUTH with this name")
    parser.add_argument("--password-file", help="the password is its first line")
    parser.add_argument("--parsed", action="store_true", help="write NNNNNN.parsed too")
    parser.add_argument("--quiet", action="store_true", help="print no line for a mail")
    parser.add_argument("--exit-with-stdin", action="store_true",
                        help="end when standard input is closed")
    parser.add_argument("--fail-first", type=int, default=0, metavar="N",
                        help="answer 451 to the first N mails")
    parser.add_argument("--refuse", action="append", default=[], metavar="ADDRESS",
                        help="answer 550 to this recipient")
    parser.add_argument("--refuse-mails", type=int, default=0, metavar="CODE",
                        help="answer every mail with this code after its DATA")
    parser.add_argument("--drop-after-data", type=int, default=0, metavar="N",
                        help="keep the first N mails and cut the connection without an answer")
    parser.add_argument("--hang", choices=["greeting", "data", "kept", "quit"],
                        help="never greet; never answer a mail's data; keep the mail and never "
                             "answer it; or never answer QUIT")
    args = parser.parse_args()
    if args.tls != "none" and not (args.cert and args.key):
        parser.error("--tls needs --cert and --key")
    if bool(args.user) != bool(args.password_file):
        parser.error("--user and --password-file go together")
    return args


def first_line(path):
    with open(path, encoding="utf-8") as file:
        return file.readline().rstrip("\r\n")


class MailFolder:
    """Mails as numbered files; numbers go on from what the folder holds."""

    def __init__(self, path, parsed, quiet):
        self._path = path
        self._parsed = parsed
        self._quiet = quiet
        os.makedirs(path, exist_ok=True)
        numbers = [int(name[:-4]) for name in os.listdir(path)
                   if name.endswith(".eml") and name[:-4].isdigit()]
        self._next = max(numbers, default=0) + 1

    def add(self, sender, recipients, content):
        message = email.message_from_bytes(content, policy=email.policy.default)
        stem = os.path.join(self._path, f"{self._next:06d}")
        self._next += 1
        if self._parsed:
            lines = [f"{name}\t{base64.b64encode(value.encode()).decode()}\n"
                     for name, value in describe(message, sender, recipients)]
            self._write(stem + ".parsed", "".join(lines).encode())
        self._write(stem + ".eml", content)
        subject = str(message["subject"]).replace("\r", " ").replace("\n", " ")
        if not self._quiet:
            print(f"mail: {subject} (to {', '.join(recipients)})", flush=True)

    @staticmethod
    def _write(path, content):
        with open(path + ".tmp", "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(path + ".tmp", path)


def describe(message, sender, recipients):
    parts = [part for part in message.walk() if not part.is_multipart()]
    text = message.get_body(preferencelist=("plain",))
    html = message.get_body(preferencelist=("html",))
    defects = [repr(d) for part in message.walk() for d in part.defects]
    defects += [repr(d) for value in message.values() for d in getattr(value, "defects", [])]
    return [
        ("sender", sender),
        *(("recipient", recipient) for recipient in recipients),
        *((f"header:{name}", str(value)) for name, value in message.items()),
        *(("content_type", part.get_content_type()) for part in parts),
        ("text", text.get_content() if text else ""),
        ("html", html.get_content() if html else ""),
        *(("defect", defect) for defect in defects),
    ]


class Handler:
    """What the server does with each command, faults included."""

    def __init__(self, args):
        self._args = args
        self._folder = MailFolder(args.folder, args.parsed, args.quiet)
        self._seen = 0

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address in self._args.refuse:
            return "550 5.1.1 no such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self._seen += 1
        if self._seen <= self._args.fail_first:
            return "451 4.3.0 try again later"
        if self._args.refuse_mails:
            return f"{self._args.refuse_mails} 5.7.1 not wanted here"
        if self._args.hang == "data":
            await asyncio.Event().wait()
        self._folder.add(envelope.mail_from, envelope.rcpt_tos, envelope.content)
        if self._args.hang == "kept":
            await asyncio.Event().wait()
        if self._seen <= self._args.drop_after_data:
            server.transport.abort()
        return "250 OK"


    async def handle_QUIT(self, server, session, envelope):
        if self._args.hang == "quit":
            await asyncio.Event().wait()
        return "221 Bye"


class HangingSMTP(SMTP):
    """Accepts the connection and never greets."""

    async def _handle_client(self):
        await asyncio.Event().wait()


def tls_context(args):
    if args.tls == "none":
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(args.cert, args.key)
    return context


def authenticator(args):
    if not args.user:
        return None
    expected = LoginPassword(args.user.encode(), first_line(args.password_file).encode())
    return lambda server, session, envelope, mechanism, login: AuthResult(
        success=login == expected, handled=False)


def server_factory(args):
    handler = Handler(args)
    context = tls_context(args)
    kind = HangingSMTP if args.hang == "greeting" else SMTP
    options = {
        "hostname": "sink.lapse.example",
        "ident": "Lapse mail sink",
        "timeout": 3600,
        "tls_context": context if args.tls == "starttls" else None,
        "require_starttls": args.tls == "starttls",
        "authenticator": authenticator(args),
        "auth_required": bool(args.user),
        "auth_require_tls": args.tls == "starttls",
    }
    return lambda: kind(handler, **options), context if args.tls == "smtps" else None


async def serve(args):
    loop = asyncio.get_running_loop()
    factory, context = server_factory(args)
    server = await loop.create_server(factory, args.host, args.port, ssl=context)
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    if args.exit_with_stdin:
        ended = loop.create_future()
        loop.add_reader(sys.stdin, lambda: ended.done() or sys.stdin.buffer.read(1)
                        or ended.set_result(None))
        await ended
    else:
        await server.serve_forever()


def main():
    args = parse_args()
    # aiosmtpd warns of AUTH without TLS, which is here what was asked for.
    warnings.simplefilter("ignore")
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    try:
        asyncio.run(serve(args))
    except KeyboardInterrupt:
        pass
    # Connections that hang by request would keep the process.
    os._exit(0)


if __name__ == "__main__":
    main()
