"""Says what a project still lacks, in plain words: `python -m infra.doctor --project P`.

Each finding comes with the address and the command that mends it. Looks with the credentials of whoever runs it,
by gcloud, and changes nothing. A secret's content is looked at for its form and never printed. What no API of
Google's can tell (the consent screen, redirect URIs, the audit) is asked as a question with the address where the
answer stands, and never guessed. Exit status 1 when anything is missing or could not be looked up.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from infra import deploy, gcloud, traffic
from infra.deployment import ROOT
from infra.used_settings import VARIABLES
from shared.errors import Misconfigured
from shared.quota import profile
from shared.settings import Settings, load

CONSOLE = "https://console.cloud.google.com"
APPLY = ".venv/bin/python -m infra.deploy --project {project}"
TERRAFORM = "cd infra/terraform && terraform apply -var-file=environments/production.tfvars"
AUDIT = "https://support.google.com/youtube/contact/yt_api_form"
OK, MISSING, UNKNOWN, QUESTION = "ok", "missing", "unknown", "question"
ANYBODY = {"allUsers", "allAuthenticatedUsers"}


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

    def page(self, path: str) -> str:
        """The address of a page of Google's console."""
        return f"{CONSOLE}/{path}?project={self.project}"

    @cached_property
    def settings(self) -> Settings:
        """The settings. Raises Misconfigured."""
        return load({name: str(value) for name, value in self.target.values.items()})

    @cached_property
    def number(self) -> str:
        """The project's number."""
        return str(self.ask("projects", "describe", self.project, "--format=json")["projectNumber"])

    @cached_property
    def services(self) -> Mapping[str, traffic.Service]:
        """The functions' services."""
        return traffic.parsed(self.get("run", "services", "list", f"--region={self.target.declared.region}"))


def judged(good: bool, what: str, otherwise: str, address: str = "", command: str = "") -> Finding:
    """A finding either way."""
    return Finding(OK, what) if good else Finding(MISSING, otherwise, address, command)


def _each(
    kind: str, wanted: Iterable[str], found: Iterable[str], address: str = "", command: str = ""
) -> Iterator[Finding]:
    """One finding for all that are there, and one for each that is not."""
    wanted, there = set(wanted), set(found)
    for name in sorted(wanted - there):
        yield Finding(MISSING, f"The {kind} {name} is missing.", address, command.replace("{name}", name))
    if wanted <= there:
        yield Finding(OK, f"All {len(wanted)} {kind}s are there.")


def settings(patient: Patient) -> Iterator[Finding]:
    """The file of settings."""
    try:
        found = patient.settings
    except Misconfigured as error:
        yield Finding(MISSING, f"{patient.target.settings.name}: {error.message}", "infra/docs/settings.md")
        return
    yield judged(
        found.project == patient.project,
        "The settings are complete and of their forms.",
        f"GOOGLE_CLOUD_PROJECT is {found.project} in the settings, not {patient.project}.",
    )
    insecure = [name for name in ("app_url", "api_url") if urlsplit(getattr(found, name)).scheme != "https"]
    for name in insecure:
        yield Finding(MISSING, f"{VARIABLES[name]} does not begin with https://, which Google and the hub demand.")


def billing(patient: Patient) -> Iterator[Finding]:
    """Whether anybody pays."""
    told = patient.ask("billing", "projects", "describe", patient.project, "--format=json", "--quiet")
    yield judged(
        bool(told.get("billingEnabled")),
        "Billing is on.",
        "No billing account pays for the project, so nothing can be deployed.",
        patient.page("billing/linkedaccount"),
        f"gcloud billing projects link {patient.project} --billing-account=ACCOUNT",
    )


def apis(patient: Patient) -> Iterator[Finding]:
    """APIs that are switched on."""
    text = (ROOT / "infra" / "terraform" / "services.tf").read_text()
    always, chosen = text.partition("concat([")[2].split("]", 1)
    wanted = set(re.findall(r'"(\w+)"', always))
    if patient.settings.iap_audience:
        wanted |= {"iap", *(["compute"] if patient.target.balanced else [])}
    assert {"iap", "compute"} <= set(re.findall(r'\["(\w+)"\]', chosen))
    found = patient.get("services", "list", "--enabled")
    names = {each["config"]["name"].removesuffix(".googleapis.com") for each in found}
    enable = f"gcloud services enable {{name}}.googleapis.com --project={patient.project}"
    yield from _each("API", wanted, names, patient.page("apis/dashboard"), enable)


def accounts(patient: Patient) -> Iterator[Finding]:
    """Service accounts, and what they may do on the project."""
    declared = patient.target.declared
    functions = declared.functions.values()
    wanted = {*declared.service_accounts, *(each.account for each in functions)}
    found = {each["email"].partition("@")[0] for each in patient.get("iam", "service-accounts", "list")}
    yield from _each("service account", wanted, found, patient.page("iam-admin/serviceaccounts"), TERRAFORM)
    policy = patient.ask("projects", "get-iam-policy", patient.project, "--format=json", "--quiet")
    held = {(m, each["role"]) for each in policy.get("bindings", ()) for m in each.get("members", ())}
    needed = {(each.account, "roles/datastore.user") for each in functions}
    needed |= {(each.account, "roles/bigquery.jobUser") for each in functions if each.warehouse}
    for account, role in sorted(needed):
        if (f"serviceAccount:{account}@{patient.project}.iam.gserviceaccount.com", role) not in held:
            yield Finding(MISSING, f"{account} lacks {role}.", patient.page("iam-admin/iam"), TERRAFORM)
    for member, role in sorted(held):
        if member in ANYBODY:
            yield Finding(
                MISSING, f"Anybody has {role} on the project. Take it away.", patient.page("iam-admin/iam")
            )


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
    declared = patient.target.declared
    for name, secret in declared.secrets.items():
        if name == "app-callback-secret" and not patient.settings.callback_url:
            continue
        page = patient.page(f"security/secret-manager/secret/{name}/versions")
        versions = patient.get("secrets", "versions", "list", name)
        if not any(each.get("state", "").upper() == "ENABLED" for each in versions):
            yield Finding(MISSING, f"The secret {name} has no version that is enabled.", page, secret.fill)
            continue
        yield from _form(patient, name, page, secret.fill)
        policy = patient.get("secrets", "get-iam-policy", name)
        readers = {m for each in policy.get("bindings", ()) for m in each.get("members", ())}
        for function in declared.functions.values():
            member = f"serviceAccount:{function.account}@{patient.project}.iam.gserviceaccount.com"
            if name in function.secrets and member not in readers:
                yield Finding(MISSING, f"{function.account} may not read the secret {name}.", page, TERRAFORM)


def _form(patient: Patient, name: str, page: str, fill: str) -> Iterator[Finding]:
    place = f"--project={patient.project}"
    try:
        told = patient.said(
            *("secrets", "versions", "access", "latest", f"--secret={name}", place, "--format=get(payload.data)")
        )
    except gcloud.Refused:
        what = f"You may not read the secret {name}, so its form was not looked at."
        yield Finding(QUESTION, f"{what} Is it {patient.target.declared.secrets[name].holds}?", page)
        return
    content = base64.urlsafe_b64decode(told.strip())
    yield judged(
        FORMS[name](content),
        f"The secret {name} is there, and of its form.",
        f"The newest version of the secret {name} is not of its form.",
        page,
        fill,
    )
    if name == "youtube-oauth-client" and _client(content):
        number = json.loads(content)["client_id"].partition("-")[0]
        if number != patient.number:
            what = "The OAuth client belongs to another project, and one project per API client is YouTube's rule."
            yield Finding(MISSING, what, patient.page("auth/clients"))


def state(patient: Patient) -> Iterator[Finding]:
    """Firestore and the dataset, and where they lie."""
    told = patient.get("firestore", "databases", "describe", "--database=(default)")
    yield judged(
        told.get("type") == "FIRESTORE_NATIVE",
        f"Firestore is there, in {told.get('locationId')}.",
        f"The database is of the type {told.get('type')}, and must be FIRESTORE_NATIVE.",
        patient.page("firestore/databases"),
    )
    wanted, dataset = patient.target.declared.warehouse_location, patient.settings.dataset
    lies = patient.get("alpha", "bq", "datasets", "describe", dataset).get("location")
    yield judged(
        lies == wanted,
        f"The dataset {dataset} is in {wanted}.",
        f"The dataset {dataset} is in {lies}, not in {wanted}. It stays where it was made: say {lies} in "
        "infra/deployment.yaml, or move it (infra/docs/deploying.md).",
        patient.page("bigquery"),
    )


def work(patient: Patient) -> Iterator[Finding]:
    """Queues, topics, subscriptions and schedules."""
    declared, where = patient.target.declared, f"--location={patient.target.declared.region}"

    def names(*command: str) -> set[str]:
        return {each["name"].rpartition("/")[2] for each in patient.get(*command)}

    yield from _each("queue", declared.queues, names("tasks", "queues", "list", where), command=TERRAFORM)
    yield from _each("topic", declared.topics, names("pubsub", "topics", "list"), command=TERRAFORM)
    subscriptions = names("pubsub", "subscriptions", "list")
    yield from _each("subscription", declared.subscriptions, subscriptions, command=TERRAFORM)
    page = patient.page("cloudscheduler")
    jobs = {each["name"].rpartition("/")[2]: each for each in patient.get("scheduler", "jobs", "list", where)}
    yield from _each("schedule", declared.schedules, jobs, page, TERRAFORM)
    for name, schedule in declared.schedules.items():
        job = jobs.get(name, {"timeZone": schedule.zone, "schedule": schedule.cron, "state": "ENABLED"})
        if (job.get("timeZone"), job.get("schedule")) != (schedule.zone, schedule.cron):
            runs = f"{name} runs at {job.get('schedule')} in {job.get('timeZone')}"
            yield Finding(MISSING, f"{runs}, not at {schedule.cron} in {schedule.zone}.", page, TERRAFORM)
        if job.get("state") != "ENABLED":
            resume = f"gcloud scheduler jobs resume {name} {where} --project={patient.project}"
            yield Finding(MISSING, f"The schedule {name} does not run: {job.get('state')}.", page, resume)


def functions(patient: Patient) -> Iterator[Finding]:
    """Functions: there, serving, and open to nobody else than declared."""
    declared, found = patient.target.declared, patient.services
    listed = patient.get("functions", "list", f"--regions={declared.region}", "--v2")
    labels = deploy.labels(listed)
    page, command = patient.page("functions/list"), APPLY.format(project=patient.project)
    yield from _each("function", declared.functions, labels, page, command)
    roll_out = command.replace("infra.deploy", "infra.rollout")
    for name, function in declared.functions.items():
        service = found.get(function.service)
        if service is None:
            continue
        if service.waiting:
            yield Finding(MISSING, f"{name} has a revision that serves nobody yet.", page, roll_out)
        if service.unchecked != (function.trigger == "http-public"):
            anyone = "Anybody may call" if service.unchecked else "Nobody without a Google identity may call"
            yield Finding(MISSING, f"{anyone} {name}, which is {function.trigger}.", page, command)


def front(patient: Patient) -> Iterator[Finding]:
    """What guards the console, and the domain."""
    audience, region = patient.settings.iap_audience or "", patient.target.declared.region
    if not audience:
        what = "YT_IAP_AUDIENCE is not set, so the console lets nobody in."
        yield Finding(MISSING, what, "infra/docs/deploying.md", "terraform output iap_audience")
        return
    if not patient.target.balanced:
        wanted = f"/projects/{patient.number}/locations/{region}/services/console"
        mend = f"gcloud beta run services update console --iap --region={region} --project={patient.project}"
        told = patient.get("run", "services", "describe", "console", f"--region={region}")
        guarded = (
            str(told["metadata"].get("annotations", {}).get("run.googleapis.com/iap-enabled")).lower() == "true"
        )
        page = patient.page("run/detail/" + region + "/console/security")
        yield judged(guarded, "The proxy guards the console.", "No proxy guards the console.", page, mend)
    else:
        backend = patient.get("compute", "backend-services", "describe", "console", "--global")
        wanted = f"/projects/{patient.number}/global/backendServices/{backend.get('id')}"
        guarded, page = bool(backend.get("iap", {}).get("enabled")), patient.page("security/iap")
        yield judged(guarded, "The proxy guards the console.", "No proxy guards the console.", page, TERRAFORM)
        yield from _domain(patient)
    yield judged(
        audience == wanted, "YT_IAP_AUDIENCE is right.", f"YT_IAP_AUDIENCE is {audience}, and must be {wanted}."
    )


def _domain(patient: Patient) -> Iterator[Finding]:
    managed = patient.get("compute", "ssl-certificates", "describe", "youtube", "--global").get("managed", {})
    host, named = urlsplit(patient.settings.api_url).hostname, managed.get("domains", ())
    page = patient.page("net-services/loadbalancing/advanced/sslCertificates/list")
    yield judged(
        host in named,
        f"The certificate is for {host}.",
        f"The certificate is for {', '.join(named) or 'nothing'}, not for {host} of YT_API_URL.",
        page,
    )
    yield judged(
        managed.get("status") == "ACTIVE",
        "The certificate is active.",
        f"The certificate is {managed.get('status')}: the domain's DNS must point at the balancer for an hour.",
        page,
        "terraform output address",
    )


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
    page = patient.page("apis/api/youtube.googleapis.com/quotas")
    if not granted:
        yield Finding(QUESTION, f"Google names no daily quota of YouTube. Is it {counted:,} units?", page)
        return
    yield judged(
        granted[0] >= counted,
        f"YouTube grants {granted[0]:,} units a day, and {counted:,} are counted with.",
        f"YouTube grants {granted[0]:,} units a day, and the settings count with {counted:,}.",
        page,
        f"YT_QUOTA_LIMITS: default={granted[0]}",
    )
    if granted[0] <= 10_000:
        what = (
            "The quota is the default, which does not show that YouTube has audited the project. Is more needed?"
        )
        yield Finding(QUESTION, f"{what} An audit comes first, and takes weeks.", AUDIT)


def consent(patient: Patient) -> Iterator[Finding]:
    """What only a person can look up: the consent screen, redirect URIs, the domain's owner."""
    found = patient.settings
    uri = f"Is {found.redirect_uri} among the redirect URIs of the OAuth client, letter for letter?"
    yield Finding(QUESTION, uri, patient.page("auth/clients"))
    testing = found.oauth_publishing == "testing"
    limits = "In testing at most 100 named users can connect, and every connection dies after 7 days."
    if testing:
        yield Finding(
            MISSING,
            f"YT_OAUTH_PUBLISHING says testing. {limits}",
            patient.page("auth/audience"),
            "publish the app there, then YT_OAUTH_PUBLISHING: production",
        )
    else:
        yield Finding(
            QUESTION,
            f"Does the consent screen say In production, as the settings do? {limits}",
            patient.page("auth/audience"),
        )
    verified = (
        "Has Google verified the app for its scopes? Before, users are warned, and no more than 100 can connect."
    )
    yield Finding(QUESTION, verified, patient.page("auth/verification"))
    host = urlsplit(found.app_url).hostname
    owner = f"Is {host} an authorised domain of the consent screen, and yours in Search Console?"
    yield Finding(QUESTION, owner, patient.page("auth/branding"))


CHECKS: Sequence[Callable[[Patient], Iterator[Finding]]] = (
    *(settings, billing, apis, accounts, secrets, state, work, functions, front, quota, consent),
)


def examine(patient: Patient) -> list[Finding]:
    """Everything, several checks at once; one that cannot look says so, and keeps no other from looking."""

    def findings(check: Callable[[Patient], Iterator[Finding]]) -> list[Finding]:
        found = []
        try:
            for each in check(patient):
                found.append(each)  # noqa: PERF402 - what was found before a refusal counts
        except gcloud.Refused as refusal:
            first = str(refusal).splitlines()[0]
            found.append(Finding(UNKNOWN, f"{(check.__doc__ or '').rstrip('.')} could not be looked up: {first}"))
        except Misconfigured:
            found.append(Finding(UNKNOWN, f"{(check.__doc__ or '').rstrip('.')}: not without right settings."))
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
