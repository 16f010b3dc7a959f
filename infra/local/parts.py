"""The parts of the local stack: each one's command, environment, needs, and the call that shows it is ready."""

from __future__ import annotations

import base64
import json
import os
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from infra import observed, stage
from infra.deployment import ROOT, deployment
from infra.local import emulators, made_warehouse, provision
from infra.local.addresses import IAP_AUDIENCE, PROJECT, USER_AUDIENCE, Addresses
from infra.local.process import LOOPBACK, Part
from infra.local.supervisor import Watched
from shared.settings import HUB_KEY_SECRET

FUNCTIONS_FRAMEWORK = Path(sys.executable).with_name("functions-framework")

LONGEST_SOCKET = 108  # characters of a socket's path, and a NUL
FRUGAL = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": str(128 * 1024)}
"""glibc's allocator: few arenas; what is free goes back, of which it would keep ever more."""
IDENTITY_KEY = "identity.pem"  # in a run's folder: what local identities are signed with

_direct = build_opener(ProxyHandler({}))


@dataclass(frozen=True, kw_only=True)
class World:
    """What the simulator generates from its seed."""

    users: int
    channels_per_user: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Keys:
    """What this run's parts prove themselves with; made for the run, never printed."""

    vault_key: bytes
    oauth_client: Mapping[str, str]
    push_key: str
    callback_secret: str
    hub_key: str

    def __repr__(self) -> str:
        return "Keys(...)"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that one stack's parts are built from."""

    run: Path
    addresses: Addresses
    world: World
    keys: Keys
    env: Mapping[str, str]
    clock: Mapping[str, str]
    schedules_paused: bool = False

    @property
    def identity_key(self) -> Path:
        """The key file that local identities are signed with."""
        return self.run / IDENTITY_KEY

    @property
    def objects(self) -> Path:
        """The folder that Cloud Storage's stand-in serves; each sub-folder is a bucket."""
        return self.run / "objects"

    @property
    def warm(self) -> Path:
        """Where the process is asked that Python parts are copies of."""
        return self.run / "warm"

    def log(self, name: str) -> Path:
        """A part's log."""
        return self.run / "logs" / f"{name}.log"


def answers(url: str, *, any_status: bool = False) -> Callable[[], bool]:
    """Whether a GET is answered; with any status at all, or only with success."""

    def ask() -> bool:
        try:
            with _direct.open(url, timeout=2) as answer:
                return bool(answer.status < 400)
        except HTTPError as error:
            error.close()
            return any_status

    return ask


def watched_parts(plan: Plan) -> list[Watched]:
    """All parts of a stack."""
    return [
        _warm(plan),
        _firestore(plan),
        _pubsub(plan),
        _bigquery(plan),
        _cloud(plan),
        _objects(plan),
        _simulator(plan),
        _provision(plan),
        *(_function(plan, name) for name in plan.addresses.functions),
        _gateway(plan),
        _scheduler(plan),
    ]


def _python(module: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", module, *(str(argument) for argument in arguments)]


def _ours(plan: Plan, **more: str) -> dict[str, str]:
    """Environment of a Python part: settings, the clock, and an allocator that holds little."""
    return {**plan.env, **plan.clock, **FRUGAL, **more}


def warm(address: Path, log: Path, *, env: Mapping[str, str]) -> Part:
    """The process that copies of itself are asked from, at a socket."""

    def ready() -> bool:
        with socket.socket(socket.AF_UNIX) as asking:
            return asking.connect_ex(str(address)) == 0

    command = [sys.executable, "-P", str(Path(__file__).with_name("warm.py")), str(address)]
    return Part(name="warm", command=command, log=log, ready=ready, env=env)


def _warm(plan: Plan) -> Watched:
    env = _ours(plan, PYTHONPATH=str(observed.LISTENER) if _noted(plan) else "")
    return Watched(part=warm(plan.warm, plan.log("warm"), env=env), where="what Python's parts are copies of")


def _copy(plan: Plan, part: Part, where: str, *, needs: tuple[str, ...] = (), once: bool = False) -> Watched:
    """A part in Python: a copy of the warm process, where the kernel takes so long a name for its socket."""
    part.warm = plan.warm if len(str(plan.warm)) < LONGEST_SOCKET else None
    return Watched(part=part, where=where, needs=("warm", *needs), once=once)


def _firestore(plan: Plan) -> Watched:
    part = emulators.firestore(plan.addresses.ports["firestore"], plan.log("firestore"))
    part.env = {**part.env, **plan.clock}  # rate limits go by Firestore's clock
    return Watched(part=part, where=plan.addresses.host("firestore"))


def _pubsub(plan: Plan) -> Watched:
    part = emulators.pubsub(plan.addresses.ports["pubsub"], plan.log("pubsub"))
    url = f"{plan.addresses.url('pubsub')}/v1/projects/{PROJECT}/topics"
    part.ready = answers(url)
    return Watched(part=part, where=plan.addresses.host("pubsub"))


def _bigquery(plan: Plan) -> Watched:
    ports = plan.addresses.ports
    part = emulators.bigquery(
        ports["bigquery"], ports["bigquery-grpc"], PROJECT, plan.log("bigquery"), data=plan.run / "bigquery"
    )
    part.env, part.cwd = _ours(plan), plan.run
    made_warehouse.copied(
        plan.run / "bigquery",
        project=PROJECT,
        dataset=plan.env.get("YT_DATASET", "youtube"),
        aggregation=plan.env["YT_AGGREGATION"],
    )
    return Watched(part=part, where=plan.addresses.host("bigquery"))


def _cloud(plan: Plan) -> Watched:
    ports = plan.addresses.ports
    command = _python(
        "infra.local.cloud_emulator",
        *("--port", ports["cloud"], "--http-port", ports["cloud-control"], "--project", PROJECT),
        *("--region", plan.env["YT_REGION"], "--identity-key", plan.identity_key),
    )
    part = Part(
        name="tasks+secrets",
        command=command,
        log=plan.log("tasks+secrets"),
        ready=answers(f"{plan.addresses.url('cloud-control')}/"),
        env=_ours(plan),
        cwd=ROOT,
    )
    return _copy(plan, part, f"{plan.addresses.host('cloud')}, control :{ports['cloud-control']}")


def _objects(plan: Plan) -> Watched:
    url = plan.addresses.url("objects")
    plan.objects.mkdir(exist_ok=True)
    command = _python(
        "infra.local.object_store", "--port", plan.addresses.ports["objects"], "--folder", plan.objects
    )
    part = Part(
        name="objects",
        command=command,
        log=plan.log("objects"),
        ready=answers(f"{url}/"),
        env=_ours(plan),
        cwd=ROOT,
    )
    return _copy(plan, part, url)


def _simulator(plan: Plan) -> Watched:
    world = plan.world
    command = _python(
        "infra.local.simulator",
        *("--port", plan.addresses.ports["simulator"], "--seed", world.seed, "--users", world.users),
        *("--channels-per-user", world.channels_per_user, "--identity-key", plan.identity_key),
        *("--clock-file", plan.clock["MOVED_CLOCK_FILE"], "--client", _client_file(plan)),
        *("--app-audience", USER_AUDIENCE, "--callback-secret", _callback_secret_file(plan)),
    )
    part = Part(
        name="simulator",
        command=command,
        log=plan.log("simulator"),
        ready=answers(f"{plan.addresses.url('simulator')}/oauth2/v3/certs"),
        env=_ours(plan),
        cwd=ROOT,
    )
    return _copy(plan, part, plan.addresses.url("simulator"))


def _client_file(plan: Plan) -> Path:
    """The OAuth client as Google's console offers it for download, with its one redirect URI."""
    file = plan.run / "oauth-client.json"
    redirect = f"{plan.env['YT_APP_URL']}/auth/youtube/callback"
    file.write_text(json.dumps({"web": {**plan.keys.oauth_client, "redirect_uris": [redirect]}}))
    file.chmod(0o600)
    return file


def _callback_secret_file(plan: Plan) -> Path:
    """What the app, which the simulator stands for, knows callbacks by."""
    file = plan.run / "callback-secret"
    file.write_text(plan.keys.callback_secret)
    file.chmod(0o600)
    return file


def _provision(plan: Plan) -> Watched:
    secrets = {
        provision.VAULT_KEY_VARIABLE: base64.b64encode(plan.keys.vault_key).decode(),
        provision.OAUTH_CLIENT_VARIABLE: json.dumps(dict(plan.keys.oauth_client)),
        provision.PUSH_KEY_VARIABLE: plan.keys.push_key,
        provision.CALLBACK_SECRET_VARIABLE: plan.keys.callback_secret,
    }
    part = Part(
        name="provision",
        command=_python("infra.local.provision", "--gateway", plan.addresses.url("gateway")),
        log=plan.log("provision"),
        ready=lambda: part.process is not None and part.process.poll() == 0,
        env=_ours(plan, **secrets),
        cwd=ROOT,
    )
    return _copy(plan, part, "topics, secrets", needs=("pubsub", "tasks+secrets"), once=True)


def _function(plan: Plan, name: str) -> Watched:
    """A function as it is deployed: its staged folder under functions-framework, nothing else on the path."""
    folder = stage.copy_by_hash(name, ROOT / ".local" / "staged")
    port = plan.addresses.functions[name]
    command = [
        str(FUNCTIONS_FRAMEWORK),
        *("--target", name, "--source", str(folder / "main.py"), "--host", LOOPBACK, "--port", str(port)),
    ]
    deployed = {"K_SERVICE": name, "K_REVISION": f"{name}-00001", "PYTHONPATH": "", "FUNCTION_TARGET": name}
    if noted := _noted(plan):
        deployed |= {"PYTHONPATH": str(observed.LISTENER), "OBSERVED_CALLS": str(noted / name)}
    held = {HUB_KEY_SECRET: plan.keys.hub_key}
    declared = deployment().functions[name]
    deployed |= declared.threads | {variable: held[secret] for variable, secret in declared.variables.items()}
    # The framework answers this path by itself once the function is loaded; the function's own work is not asked.
    part = Part(
        name=name,
        command=command,
        log=plan.log(name),
        ready=answers(f"http://{LOOPBACK}:{port}/robots.txt", any_status=True),
        env=_ours(plan, **deployed),
        cwd=folder,
    )
    return _copy(plan, part, _address(plan, name))


def _noted(plan: Plan) -> Path | None:
    """Where calls are noted; None where nobody asked for that."""
    if not (plan.env.get(observed.VARIABLE) or os.environ.get(observed.VARIABLE)):
        return None
    folder = plan.run / observed.FOLDER
    folder.mkdir(exist_ok=True)
    return folder


def _address(plan: Plan, name: str) -> str:
    paths = deployment().functions[name].paths
    return plan.addresses.url("gateway") + paths[0] if paths else plan.addresses.url(name)


def _gateway(plan: Plan) -> Watched:
    url = plan.addresses.url("gateway")
    command = _python(
        "infra.local.gateway",
        *("--port", plan.addresses.ports["gateway"], "--functions", json.dumps(dict(plan.addresses.functions))),
        *("--identity-key", plan.identity_key, "--iap-audience", IAP_AUDIENCE),
        *("--keys-url", f"{plan.addresses.url('simulator')}/oauth2/v3/certs"),
        *(["--observed", str(noted)] if (noted := _noted(plan)) else []),
    )
    part = Part(
        name="gateway",
        command=command,
        log=plan.log("gateway"),
        ready=answers(f"{url}/ready", any_status=True),
        env=_ours(plan, **{provision.PUSH_KEY_VARIABLE: plan.keys.push_key}),
        cwd=ROOT,
    )
    return _copy(plan, part, url)


def _scheduler(plan: Plan) -> Watched:
    url = plan.addresses.url("scheduler")
    command = _python(
        "infra.local.scheduler",
        *("--port", plan.addresses.ports["scheduler"], "--functions", ",".join(plan.addresses.functions)),
        *("--identity-key", plan.identity_key),
        *(["--paused"] if plan.schedules_paused else []),
    )
    part = Part(
        name="scheduler",
        command=command,
        log=plan.log("scheduler"),
        ready=answers(f"{url}/schedules"),
        env=_ours(plan),
        cwd=ROOT,
    )
    # It fires into a stack that is whole; what it fires at is up before it.
    return _copy(plan, part, f"{url}/schedules", needs=("provision", "gateway", *plan.addresses.functions))
