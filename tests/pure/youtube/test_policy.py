"""The policy table: the owner's rows as the owner wrote them, and no reason without a row."""

import ast
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from infra.local.simulator.faults import REASONS as INJECTABLE
from infra.policy_table import as_markdown
from shared.youtube.policy import FILE, Action, Alert, Kind, policy

POLICY = policy()
RULES = POLICY.rules

SIMULATOR = Path(__file__).parents[3] / "infra" / "local" / "simulator"

DOCUMENTED = """
quotaExceeded dailyLimitExceeded rateLimitExceeded userRateLimitExceeded FreeQuotaRequestsPerDayPerProject
uploadLimitExceeded uploadRateLimitExceeded authError youtubeSignupRequired insufficientPermissions forbidden
accountDelegationForbidden authenticatedUserAccountClosed authenticatedUserAccountSuspended
authenticatedUserNotChannel channelClosed channelSuspended channelForbidden forbiddenPrivacySetting
forbiddenLicenseSetting forbiddenEmbedSetting accessNotConfigured SERVICE_DISABLED videoNotFound channelNotFound
playlistNotFound playlistItemNotFound invalidPublishAt invalidVideoMetadata invalidTitle invalidDescription
invalidTags invalidCategoryId invalidRecordingDetails defaultLanguageNotSetError mediaBodyRequired
invalidFilename invalidImage processingFailure invalidPageToken invalidFilters missingRequiredParameter
incompatibleParameters unexpectedParameter badRequest videoAlreadyInPlaylist ALREADY_EXISTS backendError
internalError invalid_grant invalid_client admin_policy_enforced access_denied invalidRequest failedPrecondition
playlistContainsMaximumNumberOfVideos playlistOperationUnsupported CONSUMER_SUSPENDED CONSUMER_INVALID ABORTED
"""


GUIDE = tomllib.loads(FILE.read_text())["guide"]


def words_of_the_simulator() -> set[str]:
    """Every reason that the simulator's source can answer with."""
    found = set(INJECTABLE)
    for path in SIMULATOR.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                said = [keyword.value for keyword in node.keywords if keyword.arg == "reason"]
                said += node.args[1:2] if name == "GoogleError" else []
                found |= {item.value for item in said if isinstance(item, ast.Constant) and name != "HubError"}
    return {word for word in found if isinstance(word, str)}


def test_a_row_stands_for_every_reason_that_youtube_documents_or_its_callers_met():
    assert [reason for reason in DOCUMENTED.split() if POLICY.named(reason) is None] == []


def test_a_row_stands_for_every_reason_that_the_simulator_can_answer_with():
    assert sorted(word for word in words_of_the_simulator() if POLICY.named(word) is None) == []


@pytest.mark.parametrize(
    ("reason", "retry", "backoff", "delay", "limit", "action", "alert"),
    [
        ("quotaExceeded", False, "none", 0, 0, Action.DEFER_TO_TOMORROW, Alert.CRITICAL),
        ("rateLimitExceeded", True, "exponential", 2, 3, Action.RETRY, Alert.WARNING),
        ("authError", True, "none", 0, 1, Action.REFRESH_TOKEN, Alert.INFO),
        ("processingFailure", True, "fixed", 300, 5, Action.LOOK_AGAIN, Alert.WARNING),
        ("videoNotFound", False, "none", 0, 0, Action.MARK_AS_DELETED, Alert.INFO),
        ("forbidden", False, "none", 0, 0, Action.CHECK_GRANT, Alert.WARNING),
        ("invalidRequest", False, "none", 0, 0, Action.FIX_REQUEST, Alert.WARNING),
    ],
)
def test_the_guides_rows_are_the_guides(  # noqa: PLR0917
    reason, retry, backoff, delay, limit, action, alert
):
    rule = RULES[reason]
    assert (rule.retry, rule.backoff, rule.delay, rule.limit) == (retry, backoff, delay, limit)
    assert (rule.action, rule.alert) == (action, alert)
    assert reason in GUIDE


def test_no_other_row_claims_to_be_the_guides():
    assert len(GUIDE) == 7


def test_a_reason_stands_once_and_every_key_is_known():
    document = tomllib.loads(FILE.read_text())
    treatments = document.pop("treatments")
    assert document.keys() == {"guide", "retry_later_minutes", "statuses", "aliases", "failures", "rejections"}
    assert all(keys.keys() - {"retry"} == {"kind", "action", "alert", "reasons"} for keys in treatments)
    retries = [keys["retry"] for keys in treatments if "retry" in keys]
    assert all(retry.keys() <= {"limit", "delay", "cap", "backoff", "after"} for retry in retries)
    assert {retry["backoff"] for retry in retries if "backoff" in retry} <= {"none", "fixed", "exponential"}
    counted = Counter(reason for keys in treatments for reason in keys["reasons"])
    assert counted.keys() == RULES.keys()
    assert set(counted.values()) == {1}


def test_every_status_leads_to_a_row():
    assert {*POLICY.statuses.values()} <= RULES.keys()


def test_other_names_lead_to_rows():
    assert {name: target for name, target in POLICY.aliases.items() if target not in RULES} == {}
    assert not POLICY.aliases.keys() & RULES.keys()


@pytest.mark.parametrize(
    "status", [400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 415, 429, 500, 502, 503, 504, 599]
)
def test_an_unknown_reason_has_a_default_by_its_http_class(status):
    rule = POLICY.of_status(status)
    assert rule.retry == (status in {401, 408, 429} or status >= 500)


def test_every_row_is_whole():
    for rule in RULES.values():
        assert rule.says.endswith("."), rule.reason
        assert rule.backoff == "none" or (rule.retry and rule.delay > 0 and rule.cap >= rule.delay)
        assert rule.kind is not Kind.QUOTA or rule.action is Action.DEFER_TO_TOMORROW


def test_the_table_prints_one_row_a_reason():
    table = as_markdown()
    assert len(table.splitlines()) == len(RULES) + 2
    assert "| `quotaExceeded` | quota | no |" in table


def test_the_table_says_who_says_so_in_words_that_a_reader_knows():
    from_whom = {line.split("|")[-2].strip() for line in as_markdown().splitlines()[2:]}
    assert from_whom == {"owner's guide", "YouTube"}
