"""Nobody's claim is told as a fact: who speaks in a sentence, how firmly, and whether it says so itself."""

from pathlib import Path

import pytest

from assistant import claims
from assistant.claims import Attribution
from assistant.conversation import Stance
from index import glossary
from index.documents import About, Kind
from index.glossary import Glossary
from tests.conftest import ROOT

NAMES = """
[[entry]]
id = "lukashenko"
type = "person"
name = {en = "Alexander Lukashenko", ru = "Александр Лукашенко", be = "Аляксандр Лукашэнка"}
aliases = {en = ["Lukashenko"], ru = ["Лукашенко"], be = ["Лукашэнка"]}
[[entry]]
id = "putin"
type = "person"
name = {en = "Vladimir Putin", ru = "Владимир Путин", be = "Уладзімір Пуцін"}
aliases = {en = ["Putin"], ru = ["Путин"], be = ["Пуцін"]}
[[entry]]
id = "tikhanovskaya"
type = "person"
name = {en = "Svetlana Tikhanovskaya", ru = "Светлана Тихановская", be = "Святлана Ціханоўская"}
aliases = {en = ["Tikhanovskaya"], ru = ["Тихановская"], be = ["Ціханоўская"]}
[[entry]]
id = "tass"
type = "media"
name = {en = "TASS", ru = "ТАСС", be = "ТАСС"}
[[entry]]
id = "kommersant"
type = "media"
name = {en = "Kommersant", ru = "газета «Коммерсантъ»"}
[[entry]]
id = "rane"
type = "organisation"
name = {en = "RANE"}
aliases = {en = ["RANE / Stratfor", "Stratfor"]}
[[entry]]
id = "russia"
type = "place"
name = {en = "Russia", ru = "Россия", be = "Расія"}
[[entry]]
id = "minsk"
type = "place"
name = {en = "Minsk", ru = "Минск", be = "Мінск"}
[[entry]]
id = "treaty-1999"
type = "treaty"
name = {en = "Union State treaty", ru = "договор о создании Союзного государства"}
"""
KNOWN = glossary.parse(NAMES)


def about(kind: Kind = "news", holder: str = "Reuters") -> About:
    return About("T", holder, None, "2023-03-13", None, "en", kind, holder, None, "original")


def said(text: str, *before: str, kind: Kind = "news", holder: str = "Reuters") -> Attribution:
    return claims.attribute(text, before, about(kind, holder), KNOWN)


SPEAKERS: list[tuple[str, str, Stance]] = [
    ("Lukashenko said that 80% was done.", "Alexander Lukashenko", "claim"),
    ("On 17 February 2023 Lukashenko claimed that the work was done.", "Alexander Lukashenko", "claim"),
    ("At a press conference after his talks with Putin on Feb. 17, Lukashenko noted delays.",
     "Alexander Lukashenko", "claim"),
    ("But Lukashenko also warned that time was short.", "Alexander Lukashenko", "opinion"),
    ("Svetlana Tikhanovskaya — the exiled leader who opposed Lukashenko in 2020 — said that it was nothing new.",
     "Svetlana Tikhanovskaya", "claim"),
    ("Boris Gryzlov, the Russian ambassador, said trade had grown.", "Boris Gryzlov", "claim"),
    ("Belarusian Defence Minister Viktor Khrenin announced an inspection.", "Viktor Khrenin", "claim"),
    ("The NATO chief Jens Stoltenberg expected 30,000 troops.", "Jens Stoltenberg", "forecast"),
    ("Ned Price of the US State Department called it irony that Putin denied plans.", "Ned Price", "opinion"),
    ("Poland will build it, Interior Minister Mariusz Kaminski announced on Tuesday.", "Mariusz Kaminski", "claim"),
    ("Opposition figures say the vote was rigged.", "Opposition figures", "claim"),
    ("Глава МИД Польши Радослав Сикорский назвал это решение ошибкой.", "Радослав Сикорский", "opinion"),
    ("According to Putin, trade rose by 12%.", "Vladimir Putin", "claim"),
    ("Trade, according to the relocation firm Intermark, rose.", "Intermark", "claim"),
    ("In Putin's view, the union is economic.", "Vladimir Putin", "claim"),
    ("In the view of analyst Pavel Usov, Russia wanted the treaty as a success.", "Pavel Usov", "opinion"),
    ("In Chatham House's figures 31% wanted an alliance.", "Chatham House", "claim"),
    ("For Ukrainian Prism the Union State is the one practical element.", "Ukrainian Prism", "opinion"),
    ("The union, as Kommersant puts it, is dormant.", "Kommersant", "claim"),
    ("The fee was 45 dollars a tonne, UPI reported.", "UPI", "claim"),
    ('"We will decide together", said Putin.', "Vladimir Putin", "claim"),
    ("The plan was called a threat by Tikhanovskaya.", "Svetlana Tikhanovskaya", "claim"),
    ("A Western official told Yahoo News that the paper came from the Kremlin.", "Western official", "claim"),
    ("Human rights groups estimated that 800 people were arrested.", "Human rights groups", "opinion"),
    ("Western experts, cited by Zona Militar, doubted the claims.", "Western experts", "opinion"),
    ("The energy ministry of Belarus stated that it had been paid.", "energy ministry of Belarus", "claim"),
    ("Süddeutsche Zeitung and Yahoo News describe a paper of 17 pages.",
     "Süddeutsche Zeitung and Yahoo News", "opinion"),
    ("PAP quoted the analyst Nikolai Petrov as saying that the union is a symbiosis.", "Nikolai Petrov", "claim"),
    ("In February Lukashenko shelved the idea, asserting that Russia wanted to absorb Belarus.",
     "Alexander Lukashenko", "claim"),
    ("TASS reports that Putin said the talks were over.", "Vladimir Putin", "claim"),
    ("According to TASS, Putin said that the talks were over.", "Vladimir Putin", "claim"),
    ("RANE says that Lukashenko hoped to succeed Yeltsin.", "RANE", "claim"),
    ("RANE believes that Lukashenko feared Moscow.", "RANE", "opinion"),
    ("Лукашенко заявил, что готово 80%.", "Александр Лукашенко", "claim"),
    ("17 февраля 2023 года Александр Лукашенко сказал, что всё исполнено.", "Александр Лукашенко", "claim"),
    ("Как сообщил в ноябре 2021 года государственный секретарь Дмитрий Мезенцев, эскизы готовы.",
     "Дмитрий Мезенцев", "claim"),
    ("По словам Путина, торговля выросла.", "Владимир Путин", "claim"),
    ("По мнению Лукашенко, спешить некуда.", "Александр Лукашенко", "opinion"),
    ("По сообщению «Коммерсанта», валютой станет рубль.", "газета «Коммерсантъ»", "claim"),
    ("По данным ТАСС, товарооборот вырос.", "ТАСС", "claim"),
    ("Рост, как пишет «Коммерсантъ», замедлился.", "газета «Коммерсантъ»", "claim"),
    ("Тихановская считает, что союз угрожает независимости.", "Светлана Тихановская", "opinion"),
    ("«Мы договорились», — сказал Лукашенко.", "Александр Лукашенко", "claim"),
    ("Путин, выступая в Минске, назвал Лукашенко союзником.", "Владимир Путин", "opinion"),
    ("Политолог Станислав Бышок предложил конкурс.", "Станислав Бышок", "claim"),
    ("В декабре посол Беларуси в России ожидал роста.", "посол Беларуси в России", "forecast"),
    ("Белорусская оппозиция утверждала, что полномочия истекли.", "Белорусская оппозиция", "claim"),
    ("В Минске заявили, что вопрос закрыт.", "Минск", "claim"),
    ("В трактовке Путина союз остаётся экономическим.", "Владимир Путин", "opinion"),
    ("Лукашэнка заявіў, што гатова 80%.", "Аляксандр Лукашэнка", "claim"),
    ("Паводле Лукашэнкі, гатова 80%.", "Аляксандр Лукашэнка", "claim"),
    ("Паводле слоў Пуціна, гандаль вырас.", "Уладзімір Пуцін", "claim"),
    ("На думку Ціханоўскай, гэта пагроза.", "Святлана Ціханоўская", "opinion"),
    ("Ціханоўская лічыць, што гэта пагроза.", "Святлана Ціханоўская", "opinion"),
    ("Пра гэта паведаміла ТАСС.", "ТАСС", "claim"),
    ("Дакумент, як піша «Наша Ніва», сапраўдны.", "Наша Ніва", "claim"),
    ("«Мы дамовіліся», — сказаў Лукашэнка.", "Аляксандр Лукашэнка", "claim"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "holder", "stance"), SPEAKERS)
def test_finds_the_speaker_that_a_sentence_names(text: str, holder: str, stance: Stance) -> None:
    assert said(text) == Attribution(holder, stance, True)


@pytest.mark.parametrize(
    ("text", "before", "holder"),
    [
        ("He added that it was enough.", ["Lukashenko said so."], "Alexander Lukashenko"),
        ("Therefore, she concluded, it is a threat.", ["Tikhanovskaya said so.", "She added more."],
         "Svetlana Tikhanovskaya"),
        ("During the meeting, he assured his cabinet that nothing was lost.", ["Lukashenko held a meeting."],
         "Alexander Lukashenko"),
        ("The president added that talks went on.", ["Putin met the press."], "Vladimir Putin"),
        ("Он добавил, что этого мало.", ["Путин сказал это в Минске."], "Владимир Путин"),
        ("Президент сообщил о сроках.", ["Лукашенко провёл совещание."], "Александр Лукашенко"),
        ("Ён дадаў, што гэтага мала.", ["Лукашэнка сказаў гэта."], "Аляксандр Лукашэнка"),
    ],
)  # fmt: skip
def test_a_pronoun_or_role_means_who_spoke_before(text: str, before: list[str], holder: str) -> None:
    found = said(text, *before)
    assert (found.holder, found.named) == (holder, False) and found.stance != "fact"


def test_a_pronoun_that_points_nowhere_leaves_the_source() -> None:
    assert said("He said that it was enough.") == Attribution("Reuters", "claim", False)


@pytest.mark.parametrize(
    ("before", "holder"),
    [
        (["Novak praised Petrov.", "It was late.", "Karpenko held a meeting in Grodno."], "Karpenko"),
        (["Novak praised Petrov.", "Karpenko met Petrov."], "Reuters"),  # either may be meant
        (["Petrov said so.", "That was on Monday."], "Petrov"),
        (["Petrov said so.", "NATO disagreed."], "Petrov"),
    ],
)
def test_without_a_glossary_the_nearest_name_is_meant_or_nobody(before: list[str], holder: str) -> None:
    about = About("T", "Reuters", None, None, None, "en", "news", "Reuters", None, "original")
    found = claims.attribute("He assured his cabinet that nothing was lost.", tuple(before), about, Glossary())
    assert (found.holder, found.stance) == (holder, "claim")


@pytest.mark.parametrize(
    ("text", "kind", "stance"),
    [
        ("The paper was reportedly drawn up in Moscow.", "news", "claim"),
        ("The contingent is estimated at 15,000 troops.", "analysis", "claim"),
        ("Moscow's grip will likely tighten.", "news", "forecast"),
        ("The gap should be closed.", "news", "opinion"),
        ("This is probably a slip.", "reference", "opinion"),
        ("Документ якобы подготовили в Москве.", "news", "claim"),
        ("Влияние, скорее всего, вырастет.", "news", "forecast"),
        ("Дакумент нібыта падрыхтавалі ў Маскве.", "news", "claim"),
        ("Уплыў, верагодна, узрасце.", "news", "forecast"),
        ("As a Slavic nation, Belarus was an easy target.", "analysis", "opinion"),
        ("Lukashenko likely hoped to succeed the ailing president.", "analysis", "opinion"),
        ("The Union State, which Minsk defines as a confederation, is old.", "analysis", "opinion"),
        ("The document outlines how Russia will take control.", "analysis", "claim"),
    ],
)
def test_what_nobody_says_is_the_sources_word(text: str, kind: Kind, stance: Stance) -> None:
    assert said(text, kind=kind) == Attribution("Reuters", stance, False)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("The treaty was signed in 1999.", "news"),
        ("On 6 March 2023 a court in Minsk sentenced two leaders to prison.", "analysis"),
        ("Russia accounted for 41.1% of exports in 2021.", "analysis"),
        ("Under Article 2 the goals are peaceful.", "news"),
        ("According to the treaty, either state may leave.", "reference"),
        ("The treaty says that a parliament will be elected.", "news"),
        ("By the preamble the union is voluntary.", "treaty"),
        ("In Lukashenko's words nothing changes.", "treaty"),
        ("The 28 programmes announced in September 2021 deal with taxes.", "news"),
        ("Everything went according to plan.", "news"),
        ("Договор подписан в 1999 году.", "news"),
        ("По статье 46 договора Совет Министров готовит бюджет.", "official"),
        ("Договор называет территорией союза земли двух стран.", "reference"),
        ("Дагавор падпісаны ў 1999 годзе.", "news"),
        ("Паводле дагавора бюджэт зацвярджаюць штогод.", "reference"),
    ],
)
def test_plain_facts_and_treaties_need_no_holder(text: str, kind: Kind) -> None:
    assert said(text, kind=kind) == Attribution(None, "fact", False)


def test_an_analysts_guess_about_a_treaty_is_no_fact() -> None:
    assert said("Under the treaty Moscow will likely gain influence.", kind="analysis").stance == "forecast"


@pytest.mark.parametrize(
    ("holder", "text", "named"),
    [
        ("Alexander Lukashenko", "Лукашенко уехал.", True),
        ("Vladimir Putin", "Пуцін з'ехаў.", True),
        ("Pavel Usov", "Usov disagrees.", True),
        ("Петра Миклашевича", "Пётр Миклашевич против.", True),
        ("RANE / Stratfor Worldview", "RANE sees a risk.", True),
        ("Institute for the Study of War", "ISW sees a risk.", True),
        ("Wikipedia (2016)", "Wikipedia counts more.", True),
        ("«Коммерсантъ»", "По сообщению «Коммерсанта», это так.", True),
        ("Chatham House", "The House met.", False),
        ("Alexander Lukashenko", "Putin left.", False),
    ],
)
def test_knows_a_holder_in_any_spelling(holder: str, text: str, named: bool) -> None:
    assert claims.names(holder, text, KNOWN) is named


@pytest.mark.parametrize(
    ("question", "holder"),
    [
        ("What did Putin say about the programmes?", "putin"),
        ("How does RANE see the Union State?", "rane"),
        ("How does Minsk define the Union State?", "minsk"),
        ("What is the opinion of Tikhanovskaya on the union?", "tikhanovskaya"),
        ("According to Lavrov, when was it signed?", "Lavrov"),
        ("In Lukashenko's view, is it a federation?", "lukashenko"),
        ("According to the Union State treaty, who heads the court?", "treaty-1999"),
        ("According to the treaty, who heads the court?", "treaty"),
        ("What does the treaty say about the budget?", "treaty"),
        ("Что сказал Лукашенко о программах?", "lukashenko"),
        ("Как Путин оценивает торговлю?", "putin"),
        ("Как считает Тихановская?", "tikhanovskaya"),
        ("По мнению Лукашенко, что важнее?", "lukashenko"),
        ("Што сказаў Лукашэнка пра праграмы?", "lukashenko"),
        ("Паводле дагавора, хто ўзначальвае суд?", "дагавора"),
        ("When was the treaty signed?", None),
        ("How many programmes did Russia and Belarus sign?", None),
        ("Когда подписан договор?", None),
        ("Калі падпісаны дагавор?", None),
        ("Who said that the union is a threat?", None),
    ],
)
def test_knows_whose_word_a_question_asks_for(question: str, holder: str | None) -> None:
    assert claims.asked_holder(question, KNOWN) == holder


def test_works_without_a_glossary() -> None:
    found = claims.attribute("Sergei Lavrov said that talks went on.", (), about(), Glossary())
    assert found == Attribution("Sergei Lavrov", "claim", True)


@pytest.mark.skipif(not (ROOT / "sources" / "glossary.toml").is_file(), reason="no glossary in the sources")
@pytest.mark.parametrize(
    ("text", "holder"),
    [
        ("On 9 September 2021 Putin said that there had been no talk of it.", "Vladimir Putin"),
        ("Prime Minister Mikhail Mishustin met the press in Minsk.", None),
        ("По словам Михаила Мишустина, торговля выросла.", "Михаил Мишустин"),
    ],
)
def test_knows_the_names_of_the_dossier(text: str, holder: str | None) -> None:
    known = glossary.find((Path(ROOT / "sources"),))
    assert claims.attribute(text, (), about(), known).holder == holder
