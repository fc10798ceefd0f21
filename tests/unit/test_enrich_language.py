"""The language of a document: told from the text, else from the hint, else not at all."""

from __future__ import annotations

import pytest

from ingest.model import EnrichedDocument
from ingest.outcome import Keep
from ingest.terms import language_of_tag
from processors import detect_language
from tests.builders import a_document

DETECT = detect_language.build(detect_language.Options())

SENTENCES = {
    "en": "The harbour was flooded on Thursday night and the old wall broke.",
    "de": "Der Hafen wurde am Donnerstag überflutet und die alte Mauer brach.",
    "fr": "Le port a été inondé jeudi soir et le vieux mur s'est effondré.",
    "es": "El puerto se inundó el jueves por la noche y el viejo muro cedió.",
    "it": "Il porto è stato allagato giovedì sera e il vecchio muro ha ceduto.",
    "pt": "O porto foi inundado na noite de quinta-feira e o velho muro cedeu.",
    "nl": "De haven liep donderdagavond onder water en de oude muur brak.",
    "sv": "Hamnen översvämmades på torsdagskvällen och den gamla muren brast.",
    "da": "Havnen blev oversvømmet torsdag aften, og den gamle mur brød sammen.",
    "no": "Havnen ble oversvømt torsdag kveld, og den gamle muren brøt sammen.",
    "fi": "Satama tulvi torstai-iltana ja vanha muuri murtui.",
    "pl": "Port został zalany w czwartek wieczorem, a stary mur runął.",
    "cs": "Přístav byl ve čtvrtek večer zaplaven a stará zeď se zřítila.",
    "hu": "A kikötőt csütörtök este elöntötte a víz, és a régi fal leomlott.",
    "ro": "Portul a fost inundat joi seara, iar vechiul zid s-a prăbușit.",
    "tr": "Liman perşembe gecesi su altında kaldı ve eski duvar yıkıldı.",
    "ru": "В четверг вечером порт затопило, и старая стена рухнула.",
    "uk": "У четвер увечері порт затопило, і стара стіна впала.",
    "el": "Το λιμάνι πλημμύρισε το βράδυ της Πέμπτης και ο παλιός τοίχος έπεσε.",
    "ar": "غمرت المياه الميناء مساء الخميس وانهار الجدار القديم",
    "he": "הנמל הוצף ביום חמישי בערב והחומה הישנה קרסה",
    "hi": "गुरुवार की रात बंदरगाह में बाढ़ आ गई और पुरानी दीवार टूट गई",
    "zh": "周四晚上港口被淹，旧墙倒塌，数千人被迫离开家园。",
    "ja": "木曜日の夜、港が浸水し、古い壁が崩れました。",
    "ko": "목요일 밤 항구가 침수되고 오래된 벽이 무너졌다.",
    "vi": "Bến cảng bị ngập vào tối thứ Năm và bức tường cũ đã sập.",
}


def detected(title: str, text: str, hint: str = "") -> EnrichedDocument:
    document = a_document(title=title, text=text, language="", language_hint=hint)
    outcome = DETECT(document)
    assert isinstance(outcome, Keep)
    return outcome.value


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_is_enough(language: str) -> None:
    document = detected("", SENTENCES[language])
    assert document.language == language
    assert document.language_source == "text"


def test_a_sure_text_beats_the_hint() -> None:
    text = f"{SENTENCES['en']} {SENTENCES['en']} Officials said that nobody had been hurt."
    document = detected("Harbour flooded", text, hint="fr")
    assert document.language == "en"
    assert document.language_score >= 0.8


def test_an_unsure_text_takes_the_hint() -> None:
    unsure = detect_language.build(detect_language.Options(min_score=0.9999))
    document = a_document(
        title="Havnen er åben", text="Stor storm i byen, mange huse", language="",
        language_hint="da-DK",
    )  # fmt: skip
    outcome = unsure(document)
    assert isinstance(outcome, Keep)
    assert outcome.value.language == "da"
    plain = detected("", "Havnen ble stengt i natt, sa politiet i byen.")
    assert plain.language in ("no", "da")


def test_under_twenty_letters_nothing_is_told() -> None:
    document = detected("", "Rain today.")
    assert (document.language, document.language_score) == ("und", 0.0)
    assert document.language_source == "none"
    assert detected("", "").language == "und"
    assert detected("", "12345 67890 12345 67890 !!!").language == "und"


def test_both_norwegians_are_norwegian() -> None:
    assert language_of_tag("nb-NO") == "no"
    assert language_of_tag("nn") == "no"
    assert language_of_tag("en_GB") == "en"
    assert language_of_tag("") == ""
    assert language_of_tag("x-unknown") == ""


def test_the_engine_names_itself() -> None:
    assert DETECT.engine == "py3langid@1"
