"""The words that the invented news are made of."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


FIRST = _words("""
Marta Olwen Tobias Ingrid Casper Leonie Radek Saoirse Emeric Petra Amina Bastian Celia
Dorian Elif Fabrice Greta Hamid Iona Joaquin Katarina Lorenz Mireille Nadim Odette Piotr
Rosalind Stefan Tamsin Ulrich Vera Wendell Yusuf Zora
""")
LAST = _words("""
Lindqvist Harrowgate Okonjo Vasilenko Brandeis Quillfeather Ashdown Moreau Tremblay
Castellan Novakova Pemberton Ruddock Szabo Thorvald Underhill Vandermeer Westcott Yarrow
Zielinski Abernathy Bellweather Corrigan Drummond Eastlake Fairweather Gallagher Hathersage
""")
PLACES = _words("""
Lisbon Hamburg Toronto Nairobi Geneva Oslo Madrid Dublin Vienna Seoul Lima Boston Helsinki
Prague Cardiff Melbourne Marseille Bristol Valencia Krakow Chicago Jakarta Santiago Norway
Portugal Kenya Canada Ireland Austria Peru Finland Indonesia Chile
""")
ORGANISATION_STARTS = _words("""
Northgate Silverbrook Harbour Meridian Oakfield Blackstone Riverside Calder Eastern Granite
Pinewood Summit Westmoor Atlas Beacon
""")
TITLES = _words("""
minister mayor director chairwoman spokesman professor senator inspector economist engineer
secretary judge
""")
NOUNS = _words("""
budget bridge harbour timetable festival inquiry reservoir contract strike election verdict
vaccine railway tariff forecast orchard archive licence subsidy shortage settlement pipeline
merger lawsuit survey drought flood refinery museum stadium curriculum pension mortgage
harvest satellite border treaty ceasefire recovery audit permit warehouse ferry terminal
hospital library campaign coalition amendment deficit surplus outbreak rescue trial appeal
concert exhibition tournament championship transfer sponsorship turbine reactor grid glacier
fishery vineyard market auction estate district neighbourhood
""")
ADJECTIVES = _words("""
northern unexpected costly temporary disputed ambitious quiet fragile regional modest
sweeping outdated popular reluctant urgent lengthy careful bitter generous nervous rural
coastal medieval digital public private emergency annual narrow heavy
""")
VERBS = _words("""
delayed approved questioned rejected announced defended criticised postponed welcomed
expanded suspended reviewed abandoned financed inspected restored protected negotiated
withdrew published repeated described measured predicted ignored repaired completed opened
closed doubled
""")
LINKS = _words("""
because although while after before unless since until
""")
DAYS = _words("""
Monday Tuesday Wednesday Thursday Friday Saturday Sunday
""")
ORGANISATION_ENDS = [
    "Bank", "Council", "University", "Holdings", "Ltd", "Institute", "Ministry of Transport",
    "Energy Group", "Workers Union", "Hospital Trust", "Railways", "Airlines plc", "Foundation",
]  # fmt: skip
#: Sentences with blanks; each has names and figures enough that a stage has something to do.
FRAMES = [
    "{title} {person} of {org} {verb} the {adj} {noun} in {place}, {link} the {noun2} was {verb2}.",
    "The {adj} {noun} was {verb} on {day} {link} residents of {place} {verb2} the {noun2}.",
    "“We have {verb} every {noun} that we could find,” said {person}, “and the {noun2} is {adj}.”",
    "According to {org}, the {noun} cost {count} million and {verb} {share} percent of the {noun2}.",
    "{last} added that the {adj} {noun} would be {verb} {link} the {noun2} had been {verb2}.",
    "It was the {adj} {noun} that {verb} the {noun2}, and nobody in the {noun3} had expected it.",
    "In {place}, {count} people waited for the {noun}, {link} the {adj} {noun2} had not {verb}.",
    "Officials at {org} {verb} the {noun} and {verb2} a {adj} {noun2} near {place}.",
    "The {noun}, the {noun2} and the {adj} {noun3} were all {verb} within {share} days.",
    "Critics {verb} the plan; {person}, the {title}, called it a {adj} {noun} with no {noun2}.",
]
