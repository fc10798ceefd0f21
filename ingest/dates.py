"""Reads dates as feeds, pages and HTTP headers write them, standard forms and others."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

#: Longest Retry-After that is obeyed; 3.7 days were seen in the wild.
MAX_RETRY_AFTER = timedelta(days=7)
#: Hours from UTC by abbreviation, as news sites use it: CST is Chicago, IST is Delhi.
ZONE_HOURS: dict[str, float] = {
    "Z": 0, "UTC": 0, "GMT": 0, "UT": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "MEZ": 1,
    "CEST": 2, "MESZ": 2, "EET": 2, "SAST": 2, "EEST": 3, "MSK": 3, "TRT": 3, "EAT": 3, "GST": 4,
    "PKT": 5, "IST": 5.5, "BDT": 6, "ICT": 7, "WIB": 7, "HKT": 8, "SGT": 8, "AWST": 8, "PHT": 8,
    "JST": 9, "KST": 9, "ACST": 9.5, "ACDT": 10.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
    "NST": -3.5, "NDT": -2.5, "BRT": -3, "ART": -3, "AST": -4, "ADT": -3, "EST": -5, "EDT": -4,
    "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8,
    "HST": -10,
}  # fmt: skip

#: Twelve months per language; forms of one month are separated by `|`, lower case, without dots.
_LANGUAGES = {
    "en": "january|jan february|feb march|mar april|apr may june|jun july|jul august|aug "
    "september|sep|sept october|oct november|nov december|dec",
    "de": "januar|jänner|jän februar|feber märz|mär|mrz|maerz april mai juni juli august "
    "september oktober|okt november dezember|dez",
    "fr": "janvier|janv février|févr|fév|fevrier|fev mars avril|avr mai juin juillet|juil août|aout "
    "septembre octobre novembre décembre|déc|decembre",
    "es": "enero|ene febrero marzo abril|abr mayo junio julio agosto|ago septiembre|setiembre|set "
    "octubre noviembre diciembre|dic",
    "it": "gennaio|gen febbraio marzo aprile maggio|mag giugno|giu luglio|lug agosto settembre "
    "ottobre|ott novembre dicembre",
    "pt": "janeiro fevereiro março|marco abril maio|mai junho julho agosto setembro "
    "outubro|out novembro dezembro",
    "nl": "januari februari maart|mrt april mei juni juli augustus september oktober november "
    "december",
    "pl": "stycznia|styczeń|sty lutego|luty|lut marca|marzec kwietnia|kwiecień|kwi maja|maj "
    "czerwca|czerwiec|cze lipca|lipiec|lip sierpnia|sierpień|sie września|wrzesień|wrz "
    "października|październik|paź listopada|lis grudnia|grudzień|gru",
    "cs": "ledna|leden|led února|únor|úno března|březen|bře dubna|duben|dub května|květen|kvě "
    "června|červen|čvn července|červenec|čvc srpna|srpen|srp září|zář října|říjen|říj "
    "listopadu prosince|prosinec|pro",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "da": "januar februar marts april maj juni juli august september oktober november december",
    "no": "januar februar mars april mai juni juli august september oktober november desember|des",
    "fi": "tammikuuta|tammikuu|tammi helmikuuta|helmikuu|helmi maaliskuuta|maaliskuu|maalis "
    "huhtikuuta|huhtikuu|huhti toukokuuta|toukokuu|touko kesäkuuta|kesäkuu|kesä "
    "heinäkuuta|heinäkuu|heinä elokuuta|elokuu|elo syyskuuta|syyskuu|syys "
    "lokakuuta|lokakuu|loka marraskuuta|marraskuu|marras joulukuuta|joulukuu|joulu",
    "ru": "января|январь|янв февраля|февраль|фев|февр марта|март|мар апреля|апрель|апр мая|май "
    "июня|июнь|июн июля|июль|июл августа|август|авг сентября|сентябрь|сен|сент "
    "октября|октябрь|окт ноября|ноябрь|ноя|нояб декабря|декабрь|дек",
    "uk": "січня|січ лютого|лют березня|бер квітня|кві травня|тра червня|чер липня|лип "
    "серпня|сер вересня|вер жовтня|жов листопада|лис грудня|гру",
    "tr": "ocak|oca şubat|şub mart nisan|nis mayıs haziran|haz temmuz|tem ağustos|ağu "
    "eylül|eyl ekim|eki kasım|kas aralık|ara",
    "ro": "ianuarie|ian februarie martie aprilie mai iunie|iun iulie|iul august septembrie "
    "octombrie noiembrie|noi decembrie",
    "hu": "január február|febr március|márc április|ápr május|máj június|jún július|júl "
    "augusztus szeptember|szept október november december",
    "el": "ιανουαρίου|ιαν φεβρουαρίου|φεβ μαρτίου|μαρ απριλίου|απρ μαΐου|μαϊ ιουνίου|ιουν "
    "ιουλίου|ιουλ αυγούστου|αυγ σεπτεμβρίου|σεπ οκτωβρίου|οκτ νοεμβρίου|νοε δεκεμβρίου|δεκ",
    "hr": "siječnja|sij veljače|velj ožujka|ožu travnja|tra svibnja|svi lipnja|lip srpnja|srp "
    "kolovoza|kol rujna|ruj listopada|lis studenoga|studenog|stu prosinca|pro",
    "id": "januari februari maret april mei juni juli agustus|agt september oktober november "
    "desember",
}


def _table(line: str) -> dict[str, int]:
    months = line.split(" ")
    return {form: number for number, month in enumerate(months, 1) for form in month.split("|")}


_BY_LANGUAGE = {language: _table(line) for language, line in _LANGUAGES.items()}
_ANY: dict[str, int] = {}
for _months in _BY_LANGUAGE.values():
    for _form, _number in _months.items():
        _ANY.setdefault(_form, _number)

#: Zones with daylight saving time: their offset depends on the day.
_CHANGING = {
    "ET": "America/New_York", "CT": "America/Chicago", "MT": "America/Denver",
    "PT": "America/Los_Angeles",
}  # fmt: skip
#: An earlier date in a feed is a default value of some program.
EARLIEST_YEAR = 1990
_MAX_CHARACTERS = 100

_TIME = (
    r"(?P<hour>\d{1,2})[:.h](?P<minute>\d{1,2})(?:[:.](?P<second>\d{1,2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[ap]\.?m\b\.?)?"
)
_ZONE = (
    r"(?:\(?(?:[A-Za-z]{1,5})?\)?\s*(?P<sign>[+\-−])(?P<zone_hour>\d{1,2})(?::?(?P<zone_minute>\d{2})|:\d?)?(?!\d)"
    r"|(?P<place>[A-Z][A-Za-z]{2,20}/[A-Z][A-Za-z_]{2,30})|\(?(?P<letters>[A-Za-z]{1,5})\b\)?)?"
)
_WEEKDAY = r"(?:[^\W\d_]{2,}\.?\s*,?\s*)?"


def _forms(
    start: str, year: str, marks: str, rest: str, end: str
) -> tuple[tuple[re.Pattern[str], ...], ...]:
    """Return the forms of numbers and those of words, with what may stand around the day."""
    numbers = (
        # 20220728T043505Z
        r"^(?P<year>(?:19|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})"
        rf"(?:T?(?P<hour>\d{{2}})(?P<minute>\d{{2}})(?P<second>\d{{2}})?)?\s*{_ZONE}$",
        # 2022-07-28T04:35:05+02:00 · 2016/6/29 15:07:41 · 2022年7月28日
        rf"{start and '^'}(?P<year>\d{{4}})\s*[-/.年]\s*(?P<month>\d{{1,2}})\s*[-/.月]\s*(?P<day>\d{{1,2}})"
        rf"日?\.?(?!\d){rest}",
        # 28.07.2022 · 28/07/2022 · 07/28/2022
        rf"{start}(?P<first>\d{{1,2}})(?P<mark>[{marks}])\s?(?P<then>\d{{1,2}})(?P=mark)\s?"
        rf"(?P<year>{year})(?!\d){rest}",
    )
    words = (
        # Thu, 28 Jul 2022 04:35:05 GMT · 28. Juli 2022 · 28 de julio de 2022
        rf"{start}(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|º)?\.?[\s-]*(?:de\s+|of\s+)?"
        rf"(?P<word>[^\W\d_]{{3,}})\.?[\s,-]*(?:de\s+)?(?P<year>{year})(?!\d|:){rest}",
        # July 28, 2022 4:35 PM EST · Thursday, July 28th 2022
        rf"{start}(?P<word>[^\W\d_]{{3,}})\.?\s*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:\s*,\s*|\s+)"
        rf"(?P<year>\d{{4}})(?!\d){rest}",
        # Thu Jul 28 04:35:05 2022 · Thu Jul 28 04:35:05 EDT 2022
        rf"{start}(?P<word>[^\W\d_]{{3,}})\s+(?P<day>\d{{1,2}})\s+{_TIME}\s*{_ZONE}\s*"
        rf"(?P<year>\d{{4}})(?!\d){end}",
    )
    return tuple(
        tuple(re.compile(form, re.IGNORECASE) for form in forms) for forms in (numbers, words)
    )


_WHOLE_NUMBERS, _WHOLE_WORDS = _forms(
    f"^{_WEEKDAY}",
    r"\d{4}|\d{2}",
    "/.-",
    rf"(?:[\s,T_@–-]+(?:at\s+|um\s+|à\s+)?{_TIME})?\s*{_ZONE}(?:\s*\(.*\))?\s*(?:Uhr)?\s*$",
    r"\s*$",
)
_NUMBERS_WITHIN, _WORDS_WITHIN = _forms(
    "",
    r"\d{4}",
    "/.",
    r"(?:(?:[T,;|@\s]|\bat\b|\bum\b|\bà\b|\ba las\b|\balle\b|\bàs\b|\bom\b|\bkl\.?|[-–]\s)*"
    rf"(?=\d{{1,2}}[:.h]\d\d){_TIME}\s*{_ZONE})?",
    "",
)
#: The most frequent forms come first; within other text, numeric dates are more reliable.
_WHOLE = (*_WHOLE_WORDS, *_WHOLE_NUMBERS)
_WITHIN = (*_NUMBERS_WITHIN, *_WORDS_WITHIN)
#: The two most frequent forms: Thu, 28 Jul 2022 04:35:05 GMT · 2022-07-28T04:35:05Z
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_GLANCE = re.compile(
    rf"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d?) ({'|'.join(_MONTHS)}) (\d{{4}}) "
    r"|(\d{4})-(\d\d)-(\d\d)[T ])([01]\d|2[0-3]):([0-5]\d):([0-5]\d)"
    r"(?: ?(GMT|UTC|Z)| ?([+-])(0\d|1[0-4]):?([0-5]\d))\Z",
    re.ASCII,
)


class ReadDate(NamedTuple):
    """A date as read: `at` is in UTC, or None with the reason in `fault`.

    `fault` is missing, unreadable or implausible. `precision` is day, minute or second; for a
    day, `at` is its first moment in the zone given. `shift` is the offset from UTC that was
    written or assumed; None if unknown.
    """

    at: datetime | None
    is_zone_assumed: bool = False
    fault: str = ""
    precision: str = ""
    shift: timedelta | None = None

    @property
    def zone(self) -> str:
        """Return the offset as "+02:00"; "" if unknown."""
        if self.shift is None:
            return ""
        minutes, odd = divmod(int(self.shift.total_seconds()), 60)
        if odd:  # the mean local time of a city, before its country had a zone
            return "+00:00"
        return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"

    @property
    def is_midnight(self) -> bool:
        """Return whether the local time is 0:00:00, as it is for dates without a time."""
        local = self.at and self.at + (self.shift or timedelta(0))
        return local is not None and (local.hour, local.minute, local.second) == (0, 0, 0)


def read_date(
    raw: str, *, language: str = "", timezone_name: str = "", date_order: str = ""
) -> ReadDate:
    """Return the time of a text that is a date and nothing else, as feeds write it.

    `timezone_name` is the zone configured for the feed: it does not count as assumed.
    `date_order` (dmy, mdy, ymd) decides dates such as 3/4/2026; without it such a date is read
    only if one of its numbers is over 12, or if its separator is a dot (day first).
    Errors: none, whatever the text.
    """
    text = " ".join(raw.split())[:_MAX_CHARACTERS]
    if not text:
        return ReadDate(None, fault="missing")
    zone = _named_zone(timezone_name)
    read = _read(text, _WHOLE, zone, language, date_order)
    if read is None or read.at is None:
        return ReadDate(None, fault="unreadable")
    if read.at.year < EARLIEST_YEAR:
        return ReadDate(None, fault="implausible")
    return read._replace(is_zone_assumed=False) if zone and read.is_zone_assumed else read


def find_date(raw: str, zone_name: str = "", language: str = "") -> ReadDate | None:
    """Return the date that a text begins with or contains; None if none can be read reliably.

    `zone_name` is the IANA zone of the site, for dates without a zone (it counts as assumed); UTC
    without it. `language` decides where one word names two months. Errors: none.
    """
    return _read(raw.strip()[:_MAX_CHARACTERS], _WITHIN, _named_zone(zone_name), language)


def zone_of(name: str) -> tzinfo:
    """Return the zone of an IANA name; UTC if it is empty or unknown."""
    return _named_zone(name) or UTC


def month_number(word: str, language: str = "") -> int | None:
    """Return the month (1 to 12) that a word names; None for any other word.

    The language decides where one word names two months (`listopada`, `lip`); then English is
    tried, then any other language.
    """
    form = word.casefold().rstrip(".")
    own = _BY_LANGUAGE.get(language[:2].lower(), {})
    return own.get(form) or _ANY.get(form)


def _read(
    text: str,
    forms: tuple[re.Pattern[str], ...],
    zone: tzinfo | None,
    language: str,
    date_order: str = "",
) -> ReadDate | None:
    if (read := _at_a_glance(text)) is not None:
        return read
    if text.isascii() and text.isdigit() and len(text) in (10, 13):
        return _made(datetime.fromtimestamp(int(text[:10]), UTC), "second", False)
    for form in forms:
        for found in form.finditer(text):
            parts = found.groupdict()
            day, month = _day_and_month(parts, language, date_order)
            try:
                if month:
                    return _dated(parts, month, day, zone or UTC)
            except (ValueError, OverflowError):
                continue
    return None


def _at_a_glance(text: str) -> ReadDate | None:
    """Return the time of the two most frequent forms, ten times faster than by the patterns."""
    found = _GLANCE.match(text)
    if found is None:
        return None
    day, word, year, iso_year, iso_month, iso_day, hour, minute, second, _, sign, east, past = (
        found.groups()
    )
    try:
        month = _MONTHS.index(word) + 1 if word else int(iso_month)
        date = int(year or iso_year), month, int(day or iso_day)
        at = datetime(*date, int(hour), int(minute), int(second), tzinfo=UTC)
        shift = timedelta(hours=int(east), minutes=int(past)) if sign else timedelta()
        shift = -shift if sign == "-" else shift
        return ReadDate(at - shift, precision="second", shift=shift)
    except (ValueError, OverflowError):
        return None


def _day_and_month(
    parts: dict[str, str | None], language: str, date_order: str
) -> tuple[int, int | None]:
    """Return the day and the month; None for a month that is ambiguous or unknown."""
    if parts.get("word"):
        return int(parts["day"] or 0), month_number(parts["word"] or "", language)
    if not parts.get("mark"):
        return int(parts["day"] or 0), int(parts["month"] or 0)
    first, then = int(parts["first"] or 0), int(parts["then"] or 0)
    is_day_first = first > 12 or date_order == "dmy" or parts["mark"] == "." or first == then
    if then > 12 >= first or (date_order == "mdy" and first <= 12):
        return then, first
    return first, then if is_day_first else None


def _dated(parts: dict[str, str | None], month: int, day: int, site_zone: tzinfo) -> ReadDate:
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hour", "minute", "second"))
    half = (parts.get("half") or "").lower()
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    is_end_of_day = hour == 24 and minute == second == 0
    year = int(parts["year"] or 0)
    if len(parts["year"] or "") == 2:
        year += 2000 if year < 69 else 1900
    zone = _written_zone(parts)
    if is_end_of_day:
        hour = 0
    local = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone or site_zone)
    if is_end_of_day:
        local += timedelta(days=1)
    precision = "second" if parts.get("second") else "minute" if parts.get("hour") else "day"
    return _made(local, precision, zone is None)


def _made(local: datetime, precision: str, is_zone_assumed: bool) -> ReadDate:
    return ReadDate(
        local.astimezone(UTC), is_zone_assumed, precision=precision, shift=local.utcoffset()
    )


def _written_zone(parts: dict[str, str | None]) -> tzinfo | None:
    """Return the zone of `Z`, `+02:00`, `GMT+2`, a place or an abbreviation; None if unknown."""
    if parts.get("sign"):
        hours, minutes = int(parts["zone_hour"] or 0), int(parts.get("zone_minute") or 0)
        if hours > 15 or minutes > 59:
            return None
        shift = timedelta(hours=hours, minutes=minutes)
        return timezone(shift if parts["sign"] == "+" else -shift)
    letters = (parts.get("letters") or "").upper()
    if letters in ZONE_HOURS:
        return timezone(timedelta(hours=ZONE_HOURS[letters]))
    return _named_zone(parts.get("place") or _CHANGING.get(letters, ""))


@lru_cache(maxsize=512)
def _named_zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def http_date(text: str | None) -> datetime | None:
    """Return the time that an HTTP date names, UTC without a zone; None if it is unreadable."""
    try:
        at = parsedate_to_datetime((text or "").strip())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def retry_after(value: str | None, now: datetime, sent: str | None = None) -> timedelta | None:
    """Return the wait that a Retry-After header asks for, at most 7 days.

    Shape: None if it is absent, unreadable, zero or in the past. A date is compared with `sent`,
    the `Date` header, if there is one that can be read: the server's clock may be wrong.
    Source: RFC 9110 §10.2.3.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        wait = timedelta(seconds=min(float(text[:12]), MAX_RETRY_AFTER.total_seconds()))
    elif until := http_date(text):
        wait = until - (http_date(sent) or now)
    else:
        return None
    return min(wait, MAX_RETRY_AFTER) if wait > timedelta(0) else None
