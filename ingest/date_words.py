"""Words in dates as feeds and pages write them: months, and what time zones are called."""

from __future__ import annotations

#: Hours from UTC by abbreviation, as the press means it: CST is of Chicago, IST of Delhi.
ZONE_HOURS: dict[str, float] = {
    "Z": 0, "UTC": 0, "GMT": 0, "UT": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "MEZ": 1,
    "CEST": 2, "MESZ": 2, "EET": 2, "SAST": 2, "EEST": 3, "MSK": 3, "TRT": 3, "EAT": 3, "GST": 4,
    "PKT": 5, "IST": 5.5, "BDT": 6, "ICT": 7, "WIB": 7, "HKT": 8, "SGT": 8, "AWST": 8, "PHT": 8,
    "JST": 9, "KST": 9, "ACST": 9.5, "ACDT": 10.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
    "NST": -3.5, "NDT": -2.5, "BRT": -3, "ART": -3, "AST": -4, "ADT": -3, "EST": -5, "EDT": -4,
    "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8,
    "HST": -10,
}  # fmt: skip

#: One line a language: twelve months, forms of one month apart by `|`, without dots, lower case.
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


def month_number(word: str, language: str = "") -> int | None:
    """Give the month (1 to 12) that a word names; None when it names none.

    The language decides where one word names two months (`listopada`, `lip`); English comes
    next, then any other.
    """
    form = word.casefold().rstrip(".")
    own = _BY_LANGUAGE.get(language[:2].lower(), {})
    return own.get(form) or _ANY.get(form)
