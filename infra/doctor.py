"""Says what a project still lacks, in plain words: `python -m infra.doctor --project P`.

Each finding comes with the address and the command that mends it, in the words of doctor.toml. Looks with the
credentials of whoever runs it, by gcloud, and changes nothing. A secret's content is looked at for its form and
never printed. What no API of Google's can tell (the consent screen, redirect URIs, the audit) is asked as a
question with the address where the answer stands. Exit status 1 when anything is missing or was not looked up.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any
from urllib.parse import urlsplit

from infra import deploy, gcloud, traffic
from infra.deployment import ROOT
from infra.used_settings import VARIABLES
from shared.errors import Misconfigured
from shared.quota import profile
from shared.settings import Settings, load

CONSOLE = "https://console.cloud.google.com"
TERRAFORM = "cd infra/terraform && terraform apply -var-file=environments/production.tfvars"
OK, MISSING, UNKNOWN, QUESTION = "ok", "missing", "unknown", "question"
ANYBODY = {"allUsers", "allAuthenticatedUsers"}
GUARDED = "run.googleapis.com/iap-enabled"
DEFAULT_UNITS = 10_000  # a day, of a project that YouTube has not audited


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. address: where a person sees it; command: what mends it."""

    state: str
    what: str
    address: str = ""
    command: str = ""

    def __str__(self) -> str:
        more = "".join(f"\n          {line}" for line in (self.address, self.command) if line and self.state != OK)
        return f"{self.state:8}  {self.what}{more}"


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """What is said of each thing, from doctor.toml."""
    return tomllib.loads((ROOT / "infra" / "doctor.toml").read_text())


@dataclass(frozen=True)
class Patient:
    """The project that is looked at. ask: gcloud's answer to a command, as `gcloud.ask`; said: its bare text."""

    target: deploy.Target
    ask: Callable[..., Any] = gcloud.ask
    said: Callable[..., str] = gcloud.said

    @property
    def project(self) -> str:
        """Its id."""
        return self.target.project

    def get(self, *command: str) -> Any:
        """What gcloud answers about the project."""
        return self.ask(*command, f"--project={self.project}", "--format=json", "--quiet")

    def there(self, *command: str) -> dict[str, Any]:
        """Listed resources by the last part of their names."""
        return {each["name"].rpartition("/")[2]: each for each in self.get(*command)}

    @cached_property
    def settings(self) -> Settings:
        """The settings. Raises Misconfigured."""
        return load({name: str(value) for name, value in self.target.values.items()})

    @cached_property
    def number(self) -> str:
        """The project's number."""
        return str(self.ask("projects", "describe", self.project, "--format=json")["projectNumber"])

    @cached_property
    def policy(self) -> set[tuple[str, str]]:
        """Who has which role on the project."""
        policy = self.ask("projects", "get-iam-policy", self.project, "--format=json", "--quiet")
        return {
            (member, each["role"]) for each in policy.get("bindings", ()) for member in each.get("members", ())
        }

    def member(self, account: str) -> str:
        """A service account as policies name it."""
        return f"serviceAccount:{account}@{self.project}.iam.gserviceaccount.com"

    def judged(self, key: str, good: bool | None, **found: Any) -> Iterator[Finding]:
        """What is said of a thing: that it is good, that it is not, or what only a person can tell (None)."""
        said, state = words()[key], {True: OK, False: MISSING, None: QUESTION}[good]
        found = {"project": self.project, "region": self.target.declared.region, **found}
        text = said.get({OK: "ok", MISSING: "missing", QUESTION: "ask"}[state], "")
        address, command = (said.get(name, "") for name in ("address", "command"))
        if address and not address.startswith(("https://", "infra/")):
            address = f"{CONSOLE}/{address}?project={self.project}"
        command = "" if state == QUESTION else TERRAFORM if command == "TERRAFORM" else command
        if text:
            yield Finding(state, *(each.format(**found) for each in (text, address, command)))

    def each(self, kind: str, wanted: Iterable[str], found: Iterable[str]) -> Iterator[Finding]:
        """One finding for all that are there, and one for each that is not."""
        wanted, there = set(wanted), set(found)
        for name in sorted(wanted - there):
            yield from self.judged(kind, False, name=name)
        if wanted <= there:
            yield Finding(OK, f"All {len(wanted)} {kind}s are there.")


def settings(patient: Patient) -> Iterator[Finding]:
    """The file of settings."""
    try:
        found = patient.settings
    except Misconfigured as error:
        why = f"{patient.target.settings.name}: {error.message}"
        yield from patient.judged("settings", False, why=why)
        return
    yield from patient.judged("settings", True)
    if found.project != patient.project:
        yield from patient.judged("settings_project", False, named=found.project)
    for name in ("app_url", "api_url"):
        if urlsplit(getattr(found, name)).scheme != "https":
            yield from patient.judged("settings_https", False, name=VARIABLES[name])


def billing(patient: Patient) -> Iterator[Finding]:
    """Whether anybody pays."""
    told = patient.ask("billing", "projects", "describe", patient.project, "--format=json", "--quiet")
    yield from patient.judged("billing", bool(told.get("billingEnabled")))


def apis(patient: Patient) -> Iterator[Finding]:
    """APIs that are switched on."""
    text = (ROOT / "infra" / "terraform" / "services.tf").read_text()
    always, chosen = text.partition("concat([")[2].split("]", 1)
    wanted = set(re.findall(r'"(\w+)"', always))
    if patient.settings.iap_audience:
        wanted |= {"iap", *(["compute"] if patient.target.balanced else [])}
    assert {"iap", "compute"} <= set(re.findall(r'\["(\w+)"\]', chosen))
    found = patient.get("services", "list", "--enabled")
    yield from patient.each("API", wanted, (each["config"]["name"].partition(".")[0] for each in found))


def accounts(patient: Patient) -> Iterator[Finding]:
    """Service accounts, and what they may do on the project."""
    functions = patient.target.declared.functions.values()
    wanted = {*patient.target.declared.service_accounts, *(each.account for each in functions)}
    found = patient.get("iam", "service-accounts", "list")
    yield from patient.each("service account", wanted, (each["email"].partition("@")[0] for each in found))
    needed = {(each.account, "roles/datastore.user") for each in functions}
    needed |= {(each.account, "roles/bigquery.jobUser") for each in functions if each.warehouse}
    for account, role in sorted(needed):
        if (patient.member(account), role) not in patient.policy:
            yield from patient.judged("role", False, account=account, role=role)
    for member, role in sorted(patient.policy):
        if member in ANYBODY:
            yield from patient.judged("anybody", False, role=role)


def _thirty_two(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 32
    except binascii.Error:
        return False


def _client(content: bytes) -> bool:
    try:
        told = json.loads(content)
    except ValueError:
        return False
    return isinstance(told, dict) and all(isinstance(told.get(n), str) for n in ("client_id", "client_secret"))


FORMS: Mapping[str, Callable[[bytes], bool]] = {
    "youtube-oauth-client": _client,
    "youtube-vault-key": lambda content: len(content) == 32,
    "youtube-hub-key": lambda content: all(map(_thirty_two, content.decode(errors="replace").split(","))),
    "app-callback-secret": lambda content: re.fullmatch(rb"whsec_[A-Za-z0-9+/]{32,88}={0,2}", content) is not None,
}
"""Whether a secret's content is of its form."""


def secrets(patient: Patient) -> Iterator[Finding]:
    """Secrets: a version that is enabled, of the form that is read, and readers."""
    for name, secret in patient.target.declared.secrets.items():
        if name == "app-callback-secret" and not patient.settings.callback_url:
            continue
        about = {"name": name, "fill": secret.fill, "holds": secret.holds}
        versions = patient.get("secrets", "versions", "list", name)
        if not any(each.get("state", "").upper() == "ENABLED" for each in versions):
            yield from patient.judged("secret_version", False, **about)
            continue
        yield from _form(patient, name, about)
        policy = patient.get("secrets", "get-iam-policy", name)
        readers = {m for each in policy.get("bindings", ()) for m in each.get("members", ())}
        for function in patient.target.declared.functions.values():
            if name in function.secrets and patient.member(function.account) not in readers:
                yield from patient.judged("secret_reader", False, account=function.account, **about)


def _form(patient: Patient, name: str, about: Mapping[str, str]) -> Iterator[Finding]:
    asked = ("secrets", "versions", "access", "latest", f"--secret={name}", f"--project={patient.project}")
    try:
        content = base64.urlsafe_b64decode(patient.said(*asked, "--format=get(payload.data)").strip())
    except gcloud.Refused:
        yield from patient.judged("secret_form", None, **about)
        return
    yield from patient.judged("secret_form", FORMS[name](content), **about)
    if name == "youtube-oauth-client" and _client(content):
        number = json.loads(content)["client_id"].partition("-")[0]
        yield from patient.judged("secret_client", number == patient.number)


def state(patient: Patient) -> Iterator[Finding]:
    """Firestore and the dataset, and where they lie."""
    told = patient.get("firestore", "databases", "describe", "--database=(default)")
    native = told.get("type") == "FIRESTORE_NATIVE"
    yield from patient.judged("firestore", native, type=told.get("type"), location=told.get("locationId"))
    wanted, dataset = patient.target.declared.warehouse_location, patient.settings.dataset
    lies = patient.get("alpha", "bq", "datasets", "describe", dataset).get("location")
    yield from patient.judged("dataset", lies == wanted, dataset=dataset, lies=lies, wanted=wanted)


def work(patient: Patient) -> Iterator[Finding]:
    """Queues, topics, subscriptions and schedules."""
    declared, where = patient.target.declared, f"--location={patient.target.declared.region}"
    queues = patient.there("tasks", "queues", "list", where)
    yield from patient.each("queue", declared.queues, queues)
    for name in sorted(declared.queues.keys() & queues.keys()):
        if (standing := queues[name].get("state")) != "RUNNING":
            yield from patient.judged("queue_state", False, name=name, state=standing)
    yield from patient.each("topic", declared.topics, patient.there("pubsub", "topics", "list"))
    yield from patient.each(
        "subscription", declared.subscriptions, patient.there("pubsub", "subscriptions", "list")
    )
    jobs = patient.there("scheduler", "jobs", "list", where)
    yield from patient.each("schedule", declared.schedules, jobs)
    for name in sorted(declared.schedules.keys() & jobs.keys()):
        schedule, job = declared.schedules[name], jobs[name]
        cron, zone, standing = (job.get(each) for each in ("schedule", "timeZone", "state"))
        if (cron, zone) != (schedule.cron, schedule.zone):
            wanted = f"{schedule.cron} in {schedule.zone}"
            yield from patient.judged("schedule_time", False, name=name, cron=cron, zone=zone, declared=wanted)
        if standing != "ENABLED":
            yield from patient.judged("schedule_state", False, name=name, state=standing)


def functions(patient: Patient) -> Iterator[Finding]:
    """Functions: there, serving, and open to nobody else than declared."""
    declared = patient.target.declared
    listed = patient.get("functions", "list", f"--regions={declared.region}", "--v2")
    yield from patient.each("function", declared.functions, deploy.labels(listed))
    services = traffic.parsed(patient.get("run", "services", "list", f"--region={declared.region}"))
    for name, function in declared.functions.items():
        service = services.get(function.service)
        if service is None:
            continue
        if service.waiting:
            yield from patient.judged("function_waits", False, name=name)
        if service.unchecked != (function.trigger == "http-public"):
            who = "Anybody" if service.unchecked else "Nobody without a Google identity"
            yield from patient.judged("function_open", False, who=who, name=name, trigger=function.trigger)


def front(patient: Patient) -> Iterator[Finding]:
    """What guards the console, and the domain."""
    audience, region = patient.settings.iap_audience or "", patient.target.declared.region
    if not audience:
        yield from patient.judged("front", False)
        return
    if patient.target.balanced:
        backend = patient.get("compute", "backend-services", "describe", "console", "--global")
        wanted = f"/projects/{patient.number}/global/backendServices/{backend.get('id')}"
        yield from patient.judged("proxy_of_balancer", bool(backend.get("iap", {}).get("enabled")))
        yield from _domain(patient)
    else:
        wanted = f"/projects/{patient.number}/locations/{region}/services/console"
        told = patient.get("run", "services", "describe", "console", f"--region={region}")
        guarded = str(told["metadata"].get("annotations", {}).get(GUARDED)).lower() == "true"
        yield from patient.judged("proxy_of_cloud_run", guarded)
    yield from patient.judged("audience", audience == wanted, audience=audience, wanted=wanted)


def _domain(patient: Patient) -> Iterator[Finding]:
    managed = patient.get("compute", "ssl-certificates", "describe", "youtube", "--global").get("managed", {})
    host, named = urlsplit(patient.settings.api_url).hostname, managed.get("domains", ())
    yield from patient.judged("certificate", host in named, host=host, named=", ".join(named) or "nothing")
    yield from patient.judged("certificate_state", managed.get("status") == "ACTIVE", status=managed.get("status"))


def quota(patient: Patient) -> Iterator[Finding]:
    """YouTube's quota, held against what the settings count with."""
    ours = profile.load(patient.settings.quota_profile)
    counted = profile.adjusted(ours, limits=patient.settings.quota_limits).bucket("default").limit
    asked = ("alpha", "services", "quota", "list", "--service=youtube.googleapis.com")
    told = patient.ask(*asked, f"--consumer=projects/{patient.project}", "--format=json", "--quiet")
    granted = [
        int(bucket["effectiveLimit"])
        for metric in told
        if metric["metric"] == "youtube.googleapis.com/default"
        for limit in metric["consumerQuotaLimits"]
        if limit["unit"].startswith("1/d/")
        for bucket in limit["quotaBuckets"]
    ]
    if not granted:
        yield from patient.judged("quota", None, counted=counted)
        return
    yield from patient.judged("quota", granted[0] >= counted, granted=granted[0], counted=counted)
    if granted[0] <= DEFAULT_UNITS:
        yield from patient.judged("audit", None)


def consent(patient: Patient) -> Iterator[Finding]:
    """What only a person can look up: the consent screen, redirect URIs, the domain's owner."""
    found = patient.settings
    yield from patient.judged("redirect", None, uri=found.redirect_uri)
    yield from patient.judged("testing", False if found.oauth_publishing == "testing" else None)
    yield from patient.judged("verified", None)
    yield from patient.judged("owner", None, host=urlsplit(found.app_url).hostname)


CHECKS: Sequence[Callable[[Patient], Iterator[Finding]]] = (
    *(settings, billing, apis, accounts, secrets, state, work, functions, front, quota, consent),
)


def examine(patient: Patient) -> list[Finding]:
    """Everything, several checks at once; one that cannot look says so, and keeps no other from looking."""

    def findings(check: Callable[[Patient], Iterator[Finding]]) -> list[Finding]:
        found, about = [], (check.__doc__ or "").rstrip(".")
        try:
            for each in check(patient):
                found.append(each)  # noqa: PERF402 - what was found before a refusal counts
        except gcloud.Refused as refusal:
            found.append(Finding(UNKNOWN, f"{about} could not be looked up: {str(refusal).splitlines()[0]}"))
        except Misconfigured:
            found.append(Finding(UNKNOWN, f"{about}: not without right settings."))
        return found

    with ThreadPoolExecutor(gcloud.AT_ONCE) as pool:
        return [each for found in pool.map(findings, CHECKS) for each in found]


def main(given: Sequence[str] | None = None) -> int:
    """Look, and say what is missing."""
    parser = argparse.ArgumentParser(prog="python -m infra.doctor", description=__doc__)
    parser.add_argument("--project", required=True)
    found = examine(Patient(deploy.target(parser.parse_args(given).project)))
    print(*found, sep="\n")
    bad = sum(each.state in {MISSING, UNKNOWN} for each in found)
    asked = sum(each.state == QUESTION for each in found)
    print(f"\n{bad} missing, {asked} for you to look up, {len(found) - bad - asked} as they must be.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
