"""What a question asks for and what a sentence offers."""

import pytest

from assistant.terms import offers, wanted


@pytest.mark.parametrize(("question", "kind"), [
    ("What interest rate was agreed?", "number"), ("Какая ставка по кредиту?", "number"),
    ("Якая стаўка па крэдыце?", "number"), ("What fine did he pay?", "number"), ("On which day was it signed?", "date"),
    ("What bodies are there?", "none"), ("Which states signed it?", "none"),
])  # fmt: skip
def test_what_is_asked_for(question: str, kind: str) -> None:
    assert wanted(question) == kind


@pytest.mark.parametrize(("question", "sentence", "offered"), [
    ("What share of trade is settled in roubles?", "Trade came to 46 billion dollars.", False),
    ("What share of trade is settled in roubles?", "Some 92% of trade is settled in roubles.", True),
    ("What share of trade is settled in roubles?", "Three quarters of trade is settled in roubles.", True),
    ("What percentage backed it?", "83.3 per cent backed it.", True),
    ("What interest rate was agreed?", "A loan of 200 million dollars was agreed.", False),
    ("Какая доля расчётов идёт в рублях?", "Расчёты составили 46 млрд долларов.", False),
    ("Какая доля расчётов идёт в рублях?", "В рублях идёт 92 процента расчётов.", True),
    ("Якая доля разлікаў ідзе ў рублях?", "У рублях ідзе 92 працэнты разлікаў.", True),
    ("How many people were asked?", "Of them 33.3% to 41% agreed in 2020.", False),
    ("How many people were asked?", "1,003 people were asked; 33% agreed.", True),
    ("Сколько программ принято?", "Выполнено 80% программ.", False),
    ("Сколько программ принято?", "Принято 28 программ.", True),
    ("Колькі праграм прынята?", "Прынята 28 праграм.", True),
    ("Сколько составила инфляция?", "Инфляция составила 7%.", True),
    ("On what day did it start?", "It started in November 2020.", False),
    ("On what day did it start?", "It started on 3 November 2020.", True),
    ("On what day in November 2020 did it start?", "It started on November 3, 2020.", True),
    ("Какого числа он подписан?", "Он подписан в мае 2021 года.", False),
    ("Какого числа он подписан?", "Он подписан 5 мая 2021 года.", True),
    ("У які дзень ён падпісаны?", "Ён падпісаны 5 мая 2021 года.", True),
    ("When did it start?", "It started in November 2020.", True),
])  # fmt: skip
def test_what_a_sentence_offers(question: str, sentence: str, offered: bool) -> None:
    assert offers(wanted(question), sentence, question) is offered
