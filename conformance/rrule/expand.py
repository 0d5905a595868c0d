#!/usr/bin/env python3
"""The days of series of events, by a library that never saw ours.

    python expand.py < series.jsonl > days.jsonl

A line of input is one series: `kind` and what belongs to it, first day, last day, excluded days, and the days that are
asked about. A line of output is `{"days": [...], "by": "rrule" | "plain"}`. Everything that RFC 5545 can say is expanded by
dateutil.rrule. What it cannot say, because OpenEMR's calendar does otherwise (OpenEMR facts 1.6), is computed here in a few
plain lines, each with the reason.
"""

import datetime
import itertools
import json
import sys

from dateutil import rrule

DAY = datetime.timedelta(days=1)
# dateutil's weekdays, Sunday first as OpenEMR counts.
WEEKDAYS = [rrule.SU, rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA]


def day(text):
    return datetime.date.fromisoformat(text)


def midnight(date):
    return datetime.datetime.combine(date, datetime.time())


def ruled(series, frequency, also=(), **words):
    """RFC 5545: DTSTART, RRULE with UNTIL, EXDATE, and RDATE for `also`."""
    found = rrule.rruleset()
    words.setdefault("dtstart", midnight(day(series["start"])))
    found.rrule(rrule.rrule(frequency, until=midnight(day(series["end"])), **words))
    for date in also:
        found.rdate(midnight(date))
    for text in series["except"]:
        found.exdate(midnight(day(text)))
    window = [max(midnight(day(series["from"])), midnight(day(series["start"]))), midnight(day(series["until"]))]
    return [moment.date() for moment in found.between(*window, inc=True)], "rrule"


def plain(series, dates):
    """The same window, end and excluded days around a walk that goes on for ever."""
    last = min(day(series["end"]), day(series["until"]))
    within = itertools.takewhile(lambda date: date <= last, dates)
    first = max(day(series["start"]), day(series["from"]))
    left_out = {day(text) for text in series["except"]}
    return [date for date in within if date >= first and date not in left_out], "plain"


def months_on(date, months):
    """OpenEMR asks PHP's mktime for the same number in a later month: where the month is too short it counts on into the next
    one, 31 January and a month being 3 March. RFC 5545 would leave such a month out."""
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    return datetime.date(year, month + 1, 1) + (date.day - 1) * DAY


def overflowing(start, months):
    """Each step begins where the last one ended, so that a day lost once is lost for good."""
    while True:
        yield start
        start = months_on(start, months)


def monthly(series, months):
    start = day(series["start"])
    if start.day > 28:
        return plain(series, overflowing(start, months))
    if months % 12 == 0:
        return ruled(series, rrule.YEARLY, interval=months // 12)
    return ruled(series, rrule.MONTHLY, interval=months)


def sunday_first(date):
    return date.isoweekday() % 7


def work_days(series):
    """Every nth work day. `weekend` is the setting in its order."""
    start, every, weekend = day(series["start"]), series["every"], series["weekend"]
    # Two neighbouring days in their order, one day or none, a first day that is a work day, and no more than the six days its
    # page offers: then OpenEMR's step is every nth of the days that RFC 5545 names by BYDAY.
    usual = len(weekend) < 2 or (len(weekend) == 2 and (weekend[0] + 1) % 7 == weekend[1])
    if usual and every <= 6 and sunday_first(start) not in weekend:
        named = [WEEKDAYS[at] for at in range(7) if at not in weekend]
        work = rrule.rrule(rrule.DAILY, dtstart=midnight(start), byweekday=named)
        return plain(series, (moment.date() for moment in itertools.islice(work, 0, None, every)))[0], "rrule"
    return plain(series, over_weekends(start, every, weekend))


def over_weekends(date, every, weekend):
    """OpenEMR's own step, for what is no series of work days: it adds a day for each day off it steps over within the
    first `every` days, and where it lands on a day off, two for the first of the setting's two days, one for the second
    or only one. With three days off or more it stays where it landed, a day off or not; and of more than six days, those off
    that the longer step goes over are not counted."""
    while True:
        yield date
        step = every
        for ahead in range(1, every + 1):
            if sunday_first(date + ahead * DAY) in weekend:
                step += 1
        landed = sunday_first(date + step * DAY)
        if len(weekend) == 2 and landed == weekend[0]:
            step += 2
        elif len(weekend) in (1, 2) and landed == weekend[-1]:
            step += 1
        date += step * DAY


def nth(series):
    """The nth weekday of the month, the last for 5."""
    start, every = day(series["start"]), series["every"]
    place = -1 if series["nth"] == 5 else series["nth"]
    weekday = WEEKDAYS[series["weekday"]]
    if series["fixed"] or start.day <= 28:
        return ruled(series, rrule.MONTHLY, interval=every, byweekday=weekday(place))

    # Without OpenEMR's flag of 2016 the months are counted by steps from the first day itself, which overflow: a series that
    # begins on the 31st misses months RFC 5545 would not, and may have two in one.
    def dates():
        for cursor in overflowing(start, every):
            first = midnight(cursor.replace(day=1))
            yield rrule.rrule(rrule.MONTHLY, dtstart=first, count=1, byweekday=weekday(place))[0].date()
    return plain(series, dates())


def listed(series):
    """Some weekdays of every week. The first day is one of the series even if it is none of them, as RFC 5545 says of
    DTSTART; dateutil leaves it out unless it is told."""
    start = day(series["start"])
    also = [start] if start <= min(day(series["end"]), day(series["until"])) else []
    return ruled(series, rrule.WEEKLY, also, byweekday=[WEEKDAYS[at] for at in series["weekdays"]])


KINDS = {
    "days": lambda series: ruled(series, rrule.DAILY, interval=series["every"]),
    "weeks": lambda series: ruled(series, rrule.WEEKLY, interval=series["every"]),
    "months": lambda series: monthly(series, series["every"]),
    "years": lambda series: monthly(series, series["every"] * 12),
    "work days": work_days,
    "nth": nth,
    "listed": listed,
}


def main():
    for line in sys.stdin:
        series = json.loads(line)
        days, by = KINDS[series["kind"]](series)
        print(json.dumps({"days": [date.isoformat() for date in days], "by": by}))


main()
