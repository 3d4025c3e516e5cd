"""Serves moto's S3; run by the Python that it is installed in.

`serve.py DESCRIPTOR open|guarded`: the descriptor is a socket that is bound already. A
guarded server checks signatures and rights; it says in one line of JSON which keys it
takes. It ends when its standard input does, so never outlives a test run that was killed.
"""

from __future__ import annotations

import json
import os
import sys
import threading

GUARDED = sys.argv[2] == "guarded"
# Calls that are free before moto begins to check: a user, its keys, what it may do.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "3" if GUARDED else "inf"

import boto3  # noqa: E402 - the number counts from the import
from moto.server import DomainDispatcherApplication, create_backend_app  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::closed*"},
    ],
}


def keys_of_a_user(port: int) -> dict[str, str]:
    iam = boto3.client(
        "iam",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="nobody",
        aws_secret_access_key="nothing",
    )
    iam.create_user(UserName="operator")
    made = iam.create_access_key(UserName="operator")["AccessKey"]
    document = json.dumps(POLICY)
    iam.put_user_policy(UserName="operator", PolicyName="s3", PolicyDocument=document)
    return {"access_key": made["AccessKeyId"], "secret_key": made["SecretAccessKey"]}


def main() -> None:
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server(
        "127.0.0.1",
        0,
        app,
        threaded=True,
        fd=int(sys.argv[1]),
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    keys = {"access_key": "operator", "secret_key": "operator-secret"}
    sys.stdout.write(
        json.dumps(keys_of_a_user(server.port) if GUARDED else keys) + "\n"
    )
    sys.stdout.flush()
    sys.stdin.buffer.read()
    os._exit(0)


main()
