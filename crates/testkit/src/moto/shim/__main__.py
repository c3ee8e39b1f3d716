"""moto as a server, with what it lacks for a deployment of Redshift, and a door for the tests.

Prints its port once it answers, and ends when its standard input does: with the process that started it.

Each account is a world of its own; `X-Moto-Account-Id` says which one a request means. The door:

    POST /shim/<account>/settings   how long states last, where clusters answer
    POST /shim/<account>/call       a call to a service by boto3, not by the program under test
"""

import io
import json
import os
import shutil
import sys
import threading
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
os.environ.setdefault("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "a-secret-of-the-tests")

import accounts  # noqa: E402
import provisioned  # noqa: E402
import refusals  # noqa: E402
import serverless  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402
from moto import settings as moto_settings  # noqa: E402
from moto.core.authorization import ActionAuthenticatorMixin  # noqa: E402
from moto.iam.access_control import IAMRequestBase  # noqa: E402
from moto.moto_server.werkzeug_app import (  # noqa: E402
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.exceptions import HTTPException  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

TRUSTED = "HTTP_X_SHIM_TRUSTED"
NONCE = os.urandom(16).hex()
current = accounts.current


class QuietHandler(MotoRequestHandler):
    def log_request(self, *_arguments, **_named):
        pass


def authorize(self, *arguments, **named):
    """Permissions are checked where the tests want it, and never for the tests themselves."""
    if not accounts.checks_permissions(self.current_account):
        return
    try:
        original_authorize(self, *arguments, **named)
    except HTTPException as denied:
        # S3 has a way of its own, which moto knows.
        if self.service_name != "s3":
            speaks_json = "X-Amz-Target" in self.headers
            denied.code, denied.description = refusals.respelled(
                str(denied.description), self.service_name, speaks_json
            )
        raise


def original_request(self):
    """The request as it was signed: moto would encode the form anew, and not every client's way."""
    self._body = current.body
    return original_create_request(self)


original_create_request = IAMRequestBase._create_aws_request
IAMRequestBase._create_aws_request = original_request
moto_settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
original_authorize = ActionAuthenticatorMixin._authenticate_and_authorize_action
ActionAuthenticatorMixin._authenticate_and_authorize_action = authorize


class Clients:
    """Clients of boto3, which are slow to make; the thread that uses one says for which account."""

    def __init__(self):
        self.known = {}
        self.lock = threading.Lock()

    def get(self, region, service):
        import boto3
        from botocore.config import Config

        def mark(request, **_named):
            request.headers["X-Moto-Account-Id"] = current.account
            request.headers["X-Shim-Trusted"] = NONCE

        with self.lock:
            if (region, service) not in self.known:
                config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
                session = boto3.session.Session(region_name=region)
                client = session.client(service, endpoint_url=f"http://127.0.0.1:{port}", config=config)
                client.meta.events.register("before-send", mark)
                self.known[region, service] = client
            return self.known[region, service]


clients = Clients()


def door(environ, account, name):
    body = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"{}")
    if name == "settings":
        accounts.settings(account).update(body)
        return {}
    if name == "call":
        client = clients.get(body["region"], body["service"])
        current.account = account
        try:
            answer = getattr(client, body["operation"])(**body["parameters"])
        except ClientError as error:
            return {"error": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}
        answer.pop("ResponseMetadata", None)
        return {"answer": answer}
    raise KeyError(name)


class Application:
    def __init__(self):
        self.moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ, start_response):
        path = environ.get("PATH_INFO", "")
        if path.startswith("/shim/"):
            _, _, account, name = path.split("/")
            try:
                status, answer = "200 OK", door(environ, account, name)
            except Exception:
                status, answer = "500 Internal Server Error", {"failed": traceback.format_exc()}
            return self.reply(start_response, status, "application/json", json.dumps(answer, default=str))
        account = environ.get("HTTP_X_MOTO_ACCOUNT_ID", accounts.DEFAULT)
        # Calls to an account are atomic, as those to AWS are.
        with accounts.lock(account):
            current.trusted = environ.get(TRUSTED) == NONCE
            current.body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(current.body)
            if environ.get("HTTP_X_AMZ_TARGET", "").startswith(serverless.TARGET):
                status, answer = serverless.answer(environ, account)
                return self.reply(start_response, status, "application/x-amz-json-1.1", json.dumps(answer))
            return list(self.moto(environ, start_response))

    @staticmethod
    def reply(start_response, status, kind, text):
        body = text.encode()
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]


def end_with_the_tests():
    sys.stdin.buffer.read()
    os._exit(0)


provisioned.install()
server = make_server("127.0.0.1", 0, Application(), threaded=True, request_handler=QuietHandler)
port = server.server_port
threading.Thread(target=end_with_the_tests, daemon=True).start()
# All of it is in memory by now.
shutil.rmtree(HERE, ignore_errors=True)
print(f"listening on {port}", flush=True)
server.serve_forever()
