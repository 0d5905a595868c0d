#!/usr/bin/env python3
"""Wall clocks and free time on the days they change, by Python's zoneinfo.

    python clocks.py < asked.jsonl > told.jsonl

{"ask": "instants", "zone", "walls"} is answered with the second since 1970 and the minutes of offset of each wall time.
{"ask": "calendar", ...} holds the events of a provider's day and the slots a server told of it; the answer lists what is wrong
with the slots, which is nothing, and counts the free ones.

The rules (OpenEMR facts 2.7), read anew here in instants: a day has steps; In Office opens it from the step it begins in,
Out Of Office closes it and wins; an event takes each step it touches, by the wall or in time that passes, whichever is more;
a step of which a part is skipped by the clocks can not be had; of an hour that comes twice only the first is the wall's.
"""

import datetime
import json
import sys
import zoneinfo

UTC = datetime.timezone.utc


def seconds(count):
    return datetime.timedelta(seconds=count)


class Clock:
    """One zone. Walls are naive datetimes, instants are aware ones."""

    def __init__(self, name):
        self.zone = zoneinfo.ZoneInfo(name)

    def instant(self, wall):
        """PEP 495, fold=0: the first of two, and what is skipped counts from before the change."""
        return wall.replace(tzinfo=self.zone).astimezone(UTC)

    def wall(self, instant):
        return instant.astimezone(self.zone).replace(tzinfo=None, fold=0)

    def exists(self, wall):
        return self.wall(self.instant(wall)) == wall

    def forward(self, wall):
        """The first minute from then on that there is."""
        while not self.exists(wall):
            wall += seconds(60)
        return wall


def instants(asked):
    clock = Clock(asked["zone"])
    told = []
    for text in asked["walls"]:
        instant = clock.instant(datetime.datetime.fromisoformat(text))
        offset = instant.astimezone(clock.zone).utcoffset()
        told.append([int(instant.timestamp()), int(offset.total_seconds() // 60)])
    return {"instants": told}


class Step:
    """A step of the day, by the wall and in time that passes."""

    def __init__(self, clock, wall, length):
        self.wall, self.end = wall, wall + length
        self.instant = clock.instant(wall)
        self.until = self.instant + length
        minutes = int(length.total_seconds() // 60)
        self.exists = all(clock.exists(wall + seconds(60 * at)) for at in range(minutes))
        self.opens = self.closes = False
        self.taken = not self.exists
        self.open = False


def expected(asked, clock):
    """The free starts, and the stretches of time in which the provider is in and taken, as instants."""
    length = seconds(asked["step"] * 60)
    midnight = datetime.datetime.fromisoformat(asked["day"])
    steps = [Step(clock, midnight + at * length, length) for at in range(24 * 60 // asked["step"])]
    for event in asked["events"]:
        told = datetime.datetime.fromisoformat(event["date"]) + seconds(event["start"])
        begin = clock.instant(told)
        wall = clock.wall(begin)
        lasts = seconds(max(event["seconds"], 1))
        for step in steps:
            begins = step.wall <= wall < step.end
            step.opens |= event["kind"] == "in" and begins
            step.closes |= event["kind"] == "out" and begins
            touches = wall < step.end and step.wall < wall + lasts
            touches |= begin < step.until and step.instant < begin + lasts
            step.taken |= event["kind"] == "visit" and touches
    stretch = []
    for step in steps:
        step.open = (bool(stretch) or step.opens) and not step.closes
        stretch = [*stretch, step] if step.open else []
    # What nobody closed ends with the schedule.
    for step in stretch:
        step.open = step.wall < midnight + seconds(asked["schedule_end"] * 3600)
    return starts(asked, steps), busy(clock, steps)


def starts(asked, steps):
    needed = -(-asked["length"] // asked["step"])
    found, at = [], 0
    while at + needed <= len(steps):
        if all(step.open and not step.taken for step in steps[at:at + needed]):
            found.append(steps[at].instant)
            at += needed
        else:
            at += 1
    return found


def busy(clock, steps):
    found = []
    for step in steps:
        if step.open and step.taken:
            # What is skipped takes no time.
            found.append(tuple(clock.instant(clock.forward(wall)) for wall in (step.wall, step.end)))
    return joined(found)


def joined(stretches):
    """Neighbours as one; what has no length is nothing."""
    found = []
    for begin, end in sorted(stretches):
        if end <= begin:
            continue
        if found and found[-1][1] == begin:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found


def calendar(asked):
    clock = Clock(asked["zone"])
    problems, free, taken = [], [], []
    for slot in asked["slots"]:
        begin, end = (datetime.datetime.fromisoformat(slot[name]) for name in ("start", "end"))
        for moment in (begin, end):
            if moment.utcoffset() != moment.astimezone(clock.zone).utcoffset():
                problems.append(f"{moment} is not as the practice writes it")
        if not clock.exists(begin.replace(tzinfo=None)):
            problems.append(f"{begin} is in the hour that is skipped")
        (free if slot["status"] == "free" else taken).append((begin.astimezone(UTC), end.astimezone(UTC)))
    for begin, end in free:
        if end - begin != seconds(asked["length"] * 60):
            problems.append(f"{begin} to {end} is not as long as the visit")
    everything = sorted(free + taken)
    for one, other in zip(everything, everything[1:]):
        if other[0] < one[1]:
            problems.append(f"{one} and {other} overlap")
    begins, stretches = expected(asked, clock)
    if [begin for begin, _ in free] != begins:
        problems.append(f"free are {texts(begin for begin, _ in free)} and not {texts(begins)}")
    if joined(taken) != stretches:
        problems.append(f"busy are {[texts(one) for one in joined(taken)]} and not {[texts(one) for one in stretches]}")
    return {"problems": problems, "free": len(free), "busy": len(taken)}


def texts(instants):
    return [str(instant) for instant in instants]


def main():
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(instants(asked) if asked["ask"] == "instants" else calendar(asked)))


main()
