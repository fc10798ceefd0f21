"""Makes result tables as news agencies send them: they are made from patterns by their makers.

Names are drawn from the lists of the project. National teams are places, as in annotated news.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from functools import cache

from sets import Text, unmarked

from ingest.entities.gazetteer import country_names, gazetteer
from ingest.entities.known import known_names
from ingest.entities.lexicon import person_names

#: Nicknames as used in tables of American leagues, with their cities.
_US_TEAMS = (
    "Atlanta", "Boston", "Brooklyn", "Charlotte", "Chicago", "Cleveland", "Dallas", "Denver",
    "Detroit", "Golden State", "Houston", "Indiana", "Los Angeles", "Memphis", "Miami",
    "Milwaukee", "Minnesota", "New Orleans", "New York", "Oklahoma", "Orlando", "Philadelphia",
    "Phoenix", "Portland", "Sacramento", "San Antonio", "Toronto", "Utah", "Washington",
    "Buffalo", "Calgary", "Edmonton", "Montreal", "Ottawa", "Pittsburgh", "St. Louis",
    "Tampa Bay", "Vancouver", "Winnipeg", "Baltimore", "Cincinnati", "Green Bay",
    "Kansas City", "Seattle", "San Francisco", "San Diego", "Oakland", "Texas", "Colorado",
    "New Jersey", "Hartford", "Anaheim", "San Jose", "Florida", "Jacksonville", "Tennessee",
    "Arizona", "Carolina",
)  # fmt: skip
_SPORTS = (
    "SOCCER", "TENNIS", "CRICKET", "GOLF", "ATHLETICS", "SWIMMING", "CYCLING", "RUGBY UNION",
    "BASKETBALL", "NBA BASKETBALL", "NHL ICE HOCKEY", "BASEBALL", "BOXING", "SKIING", "FIGURE SKATING",
    "BADMINTON", "MOTOR RACING", "BIATHLON", "SQUASH", "HANDBALL", "VOLLEYBALL", "SAILING",
)  # fmt: skip
_EVENTS = (
    "FIRST DIVISION RESULTS", "PREMIER LEAGUE SUMMARIES", "LEAGUE STANDINGS", "OPEN RESULTS",
    "FINAL SCORES", "CUP DRAW", "WORLD CUP RESULTS", "STANDINGS AFTER THURSDAY 'S GAMES", "SUMMARY",
    "RESULTS ON SUNDAY", "CHAMPIONSHIP QUALIFIER", "SCOREBOARD", "LEADING SCORERS", "RANKINGS",
    "TEST SCOREBOARD", "FIXTURES", "SEMI-FINAL RESULTS", "GRAND PRIX TIMES",
)  # fmt: skip
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_DIVISIONS = (
    "ATLANTIC DIVISION", "CENTRAL DIVISION", "EASTERN CONFERENCE", "WESTERN CONFERENCE",
    "PACIFIC DIVISION", "NORTHEAST DIVISION", "Division one", "Second division", "Group A",
    "W L PCT GB", "W L T GF GA PTS", "Tabulate under played , won , drawn , lost , goals for ,",
    "against , points :", "Standings ( tabulated under games played , won , drawn , lost ) :",
)  # fmt: skip


class Names:
    """Draws names, always the same for a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        names = known_names()
        rows = [names.row(number).known for number in range(len(names))]
        self._stars = [
            row.name for row in rows
            if row.role in ("footballer", "F1 driver", "athlete") and row.name.count(" ") in (1, 2)
        ]  # fmt: skip
        self._clubs = [
            row.name
            for row in rows
            if row.role == "club" and re.fullmatch(r"[^\d()]{4,22}", row.name)
        ]
        self._companies = [row.name for row in rows if row.role in ("company", "media")]
        self._famous = sorted(
            form[1:] for number in range(len(names)) for form in names.row(number).forms
            if form[0] == "^"
        )  # fmt: skip
        self._given = sorted(one.title() for one in person_names().given if len(one) > 2)
        self._surnames = sorted(one.title() for one in person_names().surnames if len(one) > 2)
        self._countries = sorted(
            {name.title() for name in country_names("en") if 3 < len(name) < 15} | {"U.S."}
        )
        places = gazetteer()
        every = [places.place(row) for row in range(len(places))]
        self._cities = sorted({one.name for one in every if one.population > 150_000})
        self._usual = ["Germany", "Britain", "U.S.", "Australia", "France", "Italy", "Russia",
                       "Spain", "Sweden", "Netherlands", "England", "Brazil", "Japan", "China",
                       "Canada", "Kenya", "Switzerland", "Austria", "Czech Republic", "Norway",
                       "South Africa", "New Zealand", "West Indies", "Pakistan", "India"]  # fmt: skip

    def of(self, *choices: str) -> str:
        return self.chance.choice(choices)

    def full(self) -> str:
        if self.chance.random() < 0.35:
            return self.chance.choice(self._stars)
        return f"{self.chance.choice(self._given)} {self.surname()}"

    def surname(self) -> str:
        if self.chance.random() < 0.35:
            return self.chance.choice(self._stars).split(" ", 1)[1]
        return self.chance.choice(self._surnames)

    def initial(self) -> str:
        return f"{self.chance.choice('ABCDGHIJKMNPRSTW')}. {self.surname()}"

    def country(self) -> str:
        return self.chance.choice(self._usual if self.chance.random() < 0.6 else self._countries)

    def city(self) -> str:
        return self.chance.choice(self._cities)

    def club(self) -> str:
        which = self.chance.random()
        if which < 0.25:
            return self.chance.choice(self._famous)
        if which < 0.55:
            return self.chance.choice(self._clubs)
        if which < 0.8:
            return self.city()
        return self.chance.choice(_US_TEAMS)

    def us_team(self) -> str:
        return self.chance.choice(_US_TEAMS)

    def company(self) -> str:
        return self.chance.choice(self._companies)

    def number(self, low: int = 0, high: int = 30) -> str:
        return str(self.chance.randint(low, high))

    def score(self) -> str:
        return f"{self.chance.randint(0, 7)}-{self.chance.randint(0, 7)}"


def _tennis(n: Names) -> Iterator[str]:
    yield f"{n.of('First', 'Second', 'Third', 'Quarter-finals', 'Semifinals')} round , {n.of('men', 'women')} 's singles"
    for _ in range(8):
        a, b = (
            f"[PER {n.full()}] ( [LOC {n.country()}] )",
            f"[PER {n.full()}] ( [LOC {n.country()}] )",
        )
        yield f"{n.of('', f'{n.number(1, 16)} - ')}{a} {n.of('beat', 'beat', 'def.', 'bt')} {b} {n.score()} {n.score()}"


def _race(n: Names) -> Iterator[str]:
    yield n.of(
        "Leading results :", "Women 's 100 metres :", "Men 's slalom :", "Result of the race :"
    )
    for place in range(1, 9):
        unit = n.of(
            f"{n.number(8, 59)}.{n.number(10, 99)} seconds",
            f"{n.number(1, 9)}:{n.number(10, 59)}.{n.number(1, 9)}",
            f"{n.number(100, 250)}.5 points",
            f"{n.number(60, 290)}",
        )
        team = n.of("", "", f", [ORG {n.company()}]")
        yield f"{place}. [PER {n.full()}] ( [LOC {n.country()}]{team} ) {unit}"


def _golf(n: Names) -> Iterator[str]:
    for _ in range(8):
        rest = f"{n.number(65, 75)} {n.number(65, 75)} {n.number(65, 75)}"
        where = n.of("", f" ( [LOC {n.country()}] )")
        yield f"{n.number(200, 290)} [PER {n.full()}]{where} {rest}"


def _football(n: Names) -> Iterator[str]:
    yield n.of("Results of [LOC {0}] first division matches played on {1} :",
               "[LOC {0}] premier league results :", "Played {1} :").format(n.country(), n.of(*_DAYS))  # fmt: skip
    for _ in range(7):
        a, b = n.club(), n.club()
        yield n.of(f"[ORG {a}] {n.number(0, 5)} [ORG {b}] {n.number(0, 5)}",
                   f"[ORG {a}] {n.score()} [ORG {b}]", f"[ORG {a}] v [ORG {b}]",
                   f"[ORG {a}] {n.number(0, 3)} ( [PER {n.surname()}] {n.number(1, 90)} , [PER {n.full()}] {n.number(1, 90)} ) [ORG {b}] 0 . Halftime {n.score()} . Attendance {n.number(2, 60)},000")  # fmt: skip


def _teams(n: Names) -> Iterator[str]:
    yield n.of("World Cup qualifier :", "Friendly internationals :", "Group 3 :")
    for _ in range(5):
        a, b = n.country(), n.country()
        yield n.of(f"[LOC {a}] {n.number(0, 5)} [LOC {b}] {n.number(0, 5)}", f"[LOC {a}] beat [LOC {b}] {n.score()}",
                   f"[LOC {a}] v [LOC {b}] ( {n.of(*_DAYS)} )",
                   f"In [LOC {n.city()}] : [LOC {a}] {n.number(0, 4)} [LOC {b}] {n.number(0, 4)} ( halftime {n.score()} )")  # fmt: skip
    yield "Scorers :"
    yield f"[LOC {n.country()}] - [PER {n.full()}] {n.number(1, 90)} , [PER {n.surname()}] ( {n.number(1, 90)} , penalty )"


def _table(n: Names) -> Iterator[str]:
    kind = n.of("ORG", "ORG", "LOC")
    yield n.of(*_DIVISIONS)
    for _ in range(10):
        name = n.country() if kind == "LOC" else n.club()
        yield f"[{kind} {name}] {' '.join(n.number(0, 40) for _ in range(n.chance.randint(4, 7)))}"


def _american(n: Names) -> Iterator[str]:
    yield f"{n.of('Results of National Basketball', 'National Football League scores', 'Results of games')} played on {n.of(*_DAYS)} ( home team in CAPS ) :"
    for _ in range(6):
        a, b = n.us_team(), n.us_team()
        yield n.of(f"[ORG {a}] {n.number(80, 120)} [ORG {b.upper()}] {n.number(80, 120)}", f"[ORG {a.upper()}] {n.number(1, 9)} [ORG {b}] {n.number(1, 9)} ( OT )",
                   f"[ORG {a.upper()}] AT [ORG {b.upper()}]", f"[ORG {a.upper()}] {n.number(1, 30)} {n.number(1, 30)} .{n.number(200, 800)} {n.number(1, 9)}")  # fmt: skip


def _cricket(n: Names) -> Iterator[str]:
    yield f"[LOC {n.country()}] {n.of('first', 'second')} innings {n.number(100, 500)}"
    for _ in range(6):
        yield n.of(f"[PER {n.initial()}] {n.of('c', 'lbw', 'b', 'run out')} [PER {n.surname()}] b [PER {n.surname()}] {n.number(0, 150)}",
                   f"[PER {n.full()}] not out {n.number(0, 90)}", f"Bowling : [PER {n.surname()}] {n.number(5, 30)}-{n.number(0, 9)}-{n.number(20, 99)}-{n.number(0, 5)}",
                   f"[LOC {n.country()}] {n.number(100, 400)} ( [PER {n.initial()}] {n.number(30, 99)} ; [PER {n.surname()}] 4-{n.number(20, 80)} )",
                   f"[ORG {n.club()}] {n.number(100, 400)} and {n.number(50, 200)}-{n.number(1, 9)} ( [PER {n.initial()}] {n.number(30, 99)} ) .")  # fmt: skip
    yield f"To bat : [PER {n.surname()}] , [PER {n.surname()}] , [PER {n.initial()}] , [PER {n.surname()}]"


def _squads(n: Names) -> Iterator[str]:
    kind, team = n.of("LOC", "ORG"), n.club()
    team = n.country() if kind == "LOC" else team
    players = " , ".join(f"[PER {n.of(n.full(), n.surname())}]" for _ in range(7))
    yield n.of(
        f"[{kind} {team}] : {n.number(1, 15)} - {players}",
        f"[{kind} {team}] squad : {players} .",
        f"Team : {players}",
    )
    yield f"{n.number(5, 20)} - [PER {n.full()}] ( [ORG {n.club()}] )"
    yield f"Goalkeepers - [PER {n.full()}] ( [ORG {n.club()}] ) , [PER {n.full()}] ( [ORG {n.club()}] , [LOC {n.country()}] )"


_TABLES: tuple[Callable[[Names], Iterator[str]], ...] = (
    _tennis, _race, _golf, _football, _teams, _table, _american, _cricket, _squads,
)  # fmt: skip


def _headline(n: Names) -> str:
    sport = n.of(*_SPORTS)
    return n.of(
        f"{sport} - {n.of(*_EVENTS)} .",
        f"{sport} - [LOC {n.country().upper()}] BEAT [LOC {n.country().upper()}] {n.score()} .",
        f"{sport} - [PER {n.surname().upper()}] {n.of('WINS', 'LEADS', 'OUT OF', 'BACK FOR', 'TAKES')} [LOC {n.country().upper()}] {n.of('OPEN', 'TITLE', 'RACE')} .",
        f"{sport} - [ORG {n.club().upper()}] {n.of('HOLD', 'BEAT', 'SIGN', 'CRUSH')} [ORG {n.club().upper()}] .",
        f"{sport} - [LOC {n.country().upper()}] {n.of(*_EVENTS)} .",
    )


@cache
def tables(seed: int, number: int) -> list[Text]:
    """Return this many documents of a headline, a dateline and one to three tables."""
    names = Names(seed)
    result = []
    for _ in range(number):
        city = names.city()
        lines = [
            _headline(names),
            f"[LOC {city if names.chance.random() < 0.4 else city.upper()}] {names.of('', ', [LOC ' + names.country() + '] ')}{names.number(1990, 2030)}-{names.number(10, 12)}-{names.number(10, 30)}",
        ]
        for _ in range(names.chance.randint(1, 3)):
            lines += names.chance.choice(_TABLES)(names)
        text = "\n".join(lines)
        if names.chance.random() < 0.5:
            for mark in ",.:;)":
                text = text.replace(f" {mark}", mark)
            text = text.replace("( ", "(").replace(" 's", "'s")
        result.append(unmarked(text))
    return result
