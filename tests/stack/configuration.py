"""What Keystone and Glance are told: everything in one folder, on 127.0.0.1 only."""

from __future__ import annotations

from pathlib import Path

_KEYSTONE = """\
[DEFAULT]
use_stderr = true
[database]
connection = sqlite:///{folder}/keystone.db?timeout=60
[token]
provider = fernet
expiration = {token_life_s}
[fernet_tokens]
key_repository = {folder}/fernet
[fernet_receipts]
key_repository = {folder}/fernet
[credential]
key_repository = {folder}/credential
[cache]
enabled = true
backend = dogpile.cache.memory
[identity]
password_hash_rounds = 4
"""

# Pages are short, so that a list of a hundred images has several. Brackets around the lists of the import filter are needed: without them every
# address is refused.
_GLANCE = """\
[DEFAULT]
enabled_backends = fs:file
enabled_import_methods = [web-download]
api_limit_max = 30
use_stderr = true
[database]
connection = sqlite:///{folder}/glance.db?timeout=60
sqlite_synchronous = false
[glance_store]
default_backend = fs
[fs]
filesystem_store_datadir = {folder}/store
[os_glance_staging_store]
filesystem_store_datadir = {folder}/staging
[os_glance_tasks_store]
filesystem_store_datadir = {folder}/tasks
[import_filtering_opts]
allowed_schemes = [http]
allowed_hosts = [127.0.0.1]
allowed_ports = [{source_ports}]
[paste_deploy]
flavor = keystone
config_file = {programs}/../etc/glance/glance-api-paste.ini
[keystone_authtoken]
www_authenticate_uri = http://127.0.0.1:{keystone_port}
auth_url = http://127.0.0.1:{keystone_port}
auth_type = password
interface = public
project_domain_name = Default
user_domain_name = Default
project_name = service
username = glance
password = service-password
[oslo_concurrency]
lock_path = {folder}/lock
"""


# A Glance that asks Keystone how much there may be.
_LIMITS = """\
[oslo_limit]
auth_url = http://127.0.0.1:{keystone_port}
auth_type = password
user_domain_name = Default
username = glance
password = service-password
system_scope = all
endpoint_id = {endpoint_id}
"""


def keystone_conf(folder: Path, *, token_life_s: int) -> str:
    """Return Keystone's configuration; several may share one folder's data."""
    for name in ("fernet", "credential"):
        (folder / name).mkdir(exist_ok=True)
    return _KEYSTONE.format(folder=folder, token_life_s=token_life_s)


def write_glance(
    folder: Path,
    programs: Path,
    *,
    keystone_port: int,
    source_ports: tuple[int, ...],
    endpoint_id: str = "",
) -> Path:
    """Write Glance's configuration; it fetches from `source_ports` of 127.0.0.1 only.

    With an `endpoint_id` it obeys the limits that Keystone has for that endpoint.
    """
    for name in ("store", "staging", "tasks", "lock"):
        (folder / name).mkdir(exist_ok=True)
    text = _GLANCE.format(
        folder=folder,
        programs=programs,
        keystone_port=keystone_port,
        source_ports=",".join(map(str, source_ports)),
    )
    if endpoint_id:
        text = text.replace("[DEFAULT]\n", "[DEFAULT]\nuse_keystone_limits = true\n")
        text += _LIMITS.format(keystone_port=keystone_port, endpoint_id=endpoint_id)
    conf = folder / f"glance{endpoint_id}" / "glance-api.conf"
    conf.parent.mkdir(exist_ok=True)
    conf.write_text(text)
    return conf
