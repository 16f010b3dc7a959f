"""Keeps up with videos: subscriptions are renewed at the hub, and uploads looked up where the hub is silent.

    polling/channels    how many videos each connected channel has, and since when push is silent about it

A run asks the hub for what is due; one that is refused everything counts every channel's videos from then on, and
asks for one subscription at a time until the hub takes it. Runs read what is due and one document; once a day
everything is compared: who has no subscription, whose is nobody's, what settings have changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from shared import channels
from shared.channels import Channel
from shared.cloud.calls import call_options
from shared.cloud.firestore import note, update
from shared.cloud.steps import Change, Docs, Write
from shared.collection import polling
from shared.collection.polling import LOOKS_MAX, WATCHED, Watch, Watched
from shared.collection.refusals import API, GRANTS_TRIED, Reader, Then
from shared.errors import NotFound, Unavailable, YtempireError
from shared.monitoring.log import log
from shared.monitoring.readable import or_told
from shared.push import receiving
from shared.push.renewal import ASK_AGAIN, Standing, to_ask
from shared.push.subscriptions import Push
from shared.quota.blocks import Block
from shared.quota.profile import Priority
from shared.tokens.health import DISCONNECTING
from shared.youtube import data

NAME = "channels"
PATH = WATCHED.path(NAME)
_FAILURES = 3  # in a row: the hub is down, and the other channels have to wait for it too
_LONGEST = timedelta(minutes=2)  # of one run's asking, and of its counting: it has five
_COUNT = "youtube.channels.list"
_COMPARED = timedelta(hours=23, minutes=58)  # until the next comparison: a day, at the same run
_AGAIN = timedelta(hours=1)  # after a comparison that died; renewals go on meanwhile
_NOT_POLLED = "a channel's uploads could not be polled"


@dataclass(frozen=True, kw_only=True)
class Listening(Reader):
    """Renews subscriptions and polls."""

    push: Push

    def run(self) -> dict[str, int]:
        """The run every five minutes: what is due, and once a day everything.

        The document that each run reads says from when on; a comparison that dies is made up for within the hour.
        """
        at, now = self._watched().compare_at, self.clock()
        if everything := at is None or at <= now:
            note(self.client, PATH, {"compare_at": now + _AGAIN})
        return self.renew(everything=everything)

    def renew(self, *, everything: bool) -> dict[str, int]:
        """Ask the hub for what is due, and look after the channels that it is silent about.

        everything: read all channels and subscriptions, forget what is nobody's, ask for what never was.
        """
        now, before = self.clock(), self._watched()
        # First: whoever subscribes in between has a channel in the list.
        standings = self.push.standings() if everything else self.push.due(now)
        known = self._known(standings, everything=everything)
        working = {name for name, channel in known.items() if channel.working}
        watched = polling.of_exactly(before, working, now) if everything else before
        waits = before.refusing and before.ask_at and before.ask_at > now
        due = [] if waits else to_ask(working, standings, self.push.terms, now)
        asked, watched = self._ask(due, watched)
        watched = watched.marked({name: each for name, each in standings.items() if name in working}, now)
        watched = self._speaks_again(watched, now)
        polled, watched = self._poll(watched)
        if everything:
            watched = replace(watched, compare_at=now + _COMPARED)
        self._keep(before, watched, whole=everything)
        return {**asked, "silent": len(watched.silent()), **polled}

    def _known(self, standings: Mapping[str, Standing], *, everything: bool) -> Mapping[str, Channel]:
        if not everything:
            return channels.several(self.client, sorted(standings))
        known = {channel.channel_id: channel for channel in channels.list_all(self.client)}
        for channel_id in channels.gone(self.client, standings.keys() - known.keys()):
            self._unsubscribe(channel_id)
        return known

    def subscribe(self, channel_id: str) -> dict[str, int]:
        """Ask the hub for one channel's subscription, or its end if the channel is gone. Raises Unavailable."""
        try:
            gone = channels.get(self.client, channel_id).state == DISCONNECTING
        except NotFound:
            gone = True
        if gone:
            self._unsubscribe(channel_id)
        else:
            self.push.subscribe(channel_id)
        return {"asked": int(not gone), "ended": int(gone)}

    def _unsubscribe(self, channel_id: str) -> None:
        """What the hub does not hear now ends with its lease."""
        try:
            self.push.unsubscribe(channel_id)
        except Unavailable as error:
            log("WARNING", "a subscription was not ended", channel=channel_id, reason=error.reason)

    def _ask(self, due: Sequence[str], watched: Watched) -> tuple[dict[str, int], Watched]:
        asked = failures = 0
        ends, at_once = self.clock() + _LONGEST, due[:1] if watched.refusing else due
        for channel_id in at_once:
            if self.clock() >= ends:
                break
            try:
                self.push.subscribe(channel_id)
            except Unavailable as error:
                log("WARNING", "a subscription was not renewed", channel=channel_id, reason=error.reason,
                    why=error.message)  # fmt: skip
                failures += 1
                watched = replace(watched, ask_at=error.retry_at)
                if failures == _FAILURES:
                    break
            else:
                asked, failures = asked + 1, 0
        if asked:
            watched = replace(watched, refusing=None, ask_at=None)
        elif failures:
            watched = replace(watched, refusing=watched.refusing or self.clock())
        return {"asked": asked, "postponed": len(due) - asked}, watched

    def _speaks_again(self, watched: Watched, now: datetime) -> Watched:
        """Look once an hour at the subscriptions of silent channels, if the hub takes requests."""
        silent = [name for name, each in watched.channels.items() if each.silent]
        if watched.refusing or not silent or (watched.checked and now - watched.checked < ASK_AGAIN):
            return watched
        return replace(watched.marked(self.push.standings_of(silent), now), checked=now)

    def _poll(self, watched: Watched) -> tuple[dict[str, int], Watched]:
        """Count what is due, and look where more has come; what was done, and what is known now."""
        now, units, heard = self.clock(), Counter[str](), 0
        found, calls, silent = dict(watched.channels), polling.to_count(watched, now), set(watched.silent())
        seconds, left = int(now.timestamp()), watched.units_left(now)
        with self.paying(_COUNT, len(calls), Priority.PROMPT) as block:
            for call in calls:
                goes_on = units.total() < left and self.clock() - now < _LONGEST
                counts = self._count(block, call) if goes_on else None
                if counts is None:
                    break
                units["counted"] += 1
                grown = [name for name in call if found[name].unsettled(counts.get(name))]
                unheard = self._unheard(grown, silent, found)
                for name in set(call).difference(unheard):
                    found[name] = found[name].counted_as(counts.get(name), seconds)
                room = min(LOOKS_MAX - units["looked"], left - units.total())
                for name, notices in self._look_at(block, unheard[: max(0, room)], found):
                    units["looked"] += 1
                    heard += notices
                    found[name] = found[name].looked_at(counts[name], notices, seconds)
                    if notices and name not in silent:
                        found[name] = found[name]._replace(silent=seconds, unheard=True)
        after = replace(watched.spent(units.total(), now), channels=found) if units else watched
        return {"counted": units["counted"], "looked": units["looked"], "heard": heard}, after

    def _count(self, block: Block, call: Sequence[str]) -> Mapping[str, int | None] | None:
        """How many videos each of these channels has; None when nobody says."""
        now, some = self.clock(), self.rng.sample(call, min(GRANTS_TRIED, len(call)))
        able = [name for name, each in channels.several(self.client, some).items() if each.may_ask(API, now)]
        return self.by_any(able, block, lambda caller: data.video_counts(caller, call), _NOT_POLLED)

    def _unheard(self, grown: Sequence[str], silent: Collection[str], found: Mapping[str, Watch]) -> list[str]:
        """Those that have grown without a notification since the last count."""
        spoken = self.push.standings_of(name for name in grown if name not in silent)
        times = {name: each.last_notification for name, each in spoken.items()}
        return [name for name in grown if (at := times.get(name)) is None or at.timestamp() < found[name].counted]

    def _look_at(
        self, block: Block, names: Sequence[str], found: Mapping[str, Watch]
    ) -> Iterator[tuple[str, int]]:
        """Look at the newest uploads of some channels: each with how many notices that gave."""
        now = self.clock()
        for name, channel in channels.several(self.client, names).items():
            if channel.uploads_playlist is not None and channel.may_ask(API, now):
                try:
                    yield name, self._look(block, channel, polling.first_look(found[name]))
                except YtempireError as error:
                    if self.refused(name, error, _NOT_POLLED) is Then.STOP:
                        return

    def _look(self, block: Block, channel: Channel, since: datetime) -> int:
        """One channel's uploads; answers how many notices that gave."""
        name, playlist = channel.channel_id, channel.uploads_playlist
        assert playlist is not None
        items = data.uploads(self.caller_for(name, block), playlist).items
        heard = polling.listen(name, items, seen=self.push.seen(name), since=since, now=self.clock())
        if heard.notices:
            self.to_ingest(receiving.KIND, receiving.message(heard.notices))
        self.push.remember(name, heard.seen)
        if API in channel.refusals:
            channels.end_refusal(self.client, name, API)
        return len(heard.notices)

    def _watched(self) -> Watched:
        stored = self.client.document(PATH).get(**call_options()).to_dict()
        return or_told(partial(WATCHED.read, NAME, stored)) or Watched()  # the daily comparison makes it anew

    def _keep(self, before: Watched, after: Watched, *, whole: bool) -> None:
        """Store what has changed, into what another run may have stored meanwhile. whole: of nobody else."""
        if after == before:
            return
        changed = {name: each for name, each in after.channels.items() if before.channels.get(name) != each}

        def decide(docs: Docs) -> Change[None]:
            doc = docs[PATH]
            there = {} if whole or doc is None else WATCHED.read(NAME, doc.data).channels
            kept = after.channels if whole else {**there, **changed}
            return Change(None, [Write(PATH, WATCHED.fields(replace(after, channels=kept)))])

        update(self.client, [PATH], decide)
