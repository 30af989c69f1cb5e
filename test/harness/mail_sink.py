"""Runs the real SMTP server of test/mail in tests, with STARTTLS and AUTH."""

import email
import email.policy
import pathlib
import subprocess
import sys
import time

SINK = pathlib.Path(__file__).resolve().parents[1] / "mail/smtp_sink.py"
USER = "lapse"
PASSWORD = "correct horse"


def make_certificate(folder):
    """A certificate for 127.0.0.1 that signs itself; returns the paths of certificate and key."""
    cert, key = pathlib.Path(folder, "cert.pem"), pathlib.Path(folder, "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(key), "-out", str(cert),
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True)
    return cert, key


class MailSink:
    """One sink on a folder; mails are its .eml files."""

    def __init__(self, folder, flags=()):
        self.folder = pathlib.Path(folder, "mails")
        self.password_file = pathlib.Path(folder, "password")
        self.password_file.write_text(PASSWORD + "\n")
        self.cert = pathlib.Path(folder, "cert.pem")
        if not self.cert.exists():
            make_certificate(folder)
        self.flags = list(flags)
        self.port = 0
        self.process = None

    def start(self, flags=None):
        """Starts it; on a restart the port stays."""
        self.process = subprocess.Popen(
            [sys.executable, str(SINK), "--folder", str(self.folder), "--port", str(self.port), "--tls", "starttls",
             "--cert", str(self.cert), "--key", str(self.cert.with_name("key.pem")), "--user", USER,
             "--password-file", str(self.password_file), *(self.flags if flags is None else flags)],
            stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])
        return self

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def notifier(self, stubs, **fields):
        """A lapse.v1.Notifier that sends here."""
        notifier = stubs["notifier_pb2"].Notifier()
        mail = notifier.email
        mail.host, mail.port, mail.username = "127.0.0.1", self.port, USER
        mail.password_ref = f"file:{self.password_file}"
        mail.ca_file = str(self.cert)
        setattr(mail, "from", "Lapse <lapse@example.com>")
        mail.to.append("ops@example.com")
        for name, value in fields.items():
            setattr(mail, name, value)
        return notifier

    def mails(self):
        """All mails so far, oldest first."""
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                for path in sorted(self.folder.glob("*.eml"))]

    def wait_for(self, count, seconds=30):
        """The mails, as soon as there are `count`."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if len(list(self.folder.glob("*.eml"))) >= count:
                return self.mails()
            time.sleep(0.01)
        raise AssertionError(f"{len(self.mails())} mails came within {seconds} s; expected {count}")

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()
