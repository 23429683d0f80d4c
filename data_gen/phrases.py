"""What people say: per language, topic words, tutor replies and typical mistakes with their corrections."""

import json
from dataclasses import dataclass

LANGUAGES = ("spanish", "french", "german", "italian", "portuguese", "japanese")
TOPICS = ("restaurant", "travel", "work", "family", "shopping", "hobbies", "health", "news")


@dataclass(frozen=True)
class Mistake:
    """One sentence as a learner writes it, as it should be, and why."""

    type: str
    original: str
    corrected: str
    explanation: str


TOPIC_WORDS = {
    "spanish": "el restaurante, los viajes, el trabajo, la familia, las compras, las aficiones, la salud, las noticias",
    "french": "le restaurant, les voyages, le travail, la famille, les achats, les loisirs, la santé, les actualités",
    "german": "das Restaurant, das Reisen, der Beruf, die Familie, das Einkaufen, Hobbys, der Arzt, die Nachrichten",
    "italian": "il ristorante, i viaggi, il lavoro, la famiglia, lo shopping, gli hobby, la salute, le notizie",
    "portuguese": "o restaurante, as viagens, o trabalho, a família, as compras, os passatempos, a saúde, as notícias",
    "japanese": "レストラン, 旅行, 仕事, 家族, 買い物, 趣味, 健康, ニュース",
}

OPENINGS: dict[str, str] = {
    "spanish": "Hoy el tema es: {}. ¡Cuéntame!",
    "french": "Le thème du jour : {}. Raconte-moi !",
    "german": "Heute ist das Thema: {}. Erzähl mal!",
    "italian": "Il tema di oggi: {}. Raccontami!",
    "portuguese": "O tema de hoje: {}. Conte-me!",
    "japanese": "今日のテーマは{}です。どうぞ。",
}

REPLIES: dict[str, tuple[str, ...]] = {
    "spanish": ("¡Muy bien! ¿Y después?", "Interesante. ¿Por qué?", "Entiendo. ¿Con quién?", "¿Puedes contarme más?"),
    "french": ("Très bien ! Et ensuite ?", "Intéressant. Pourquoi ?", "Je comprends. Avec qui ?", "Et après ça ?"),
    "german": ("Sehr gut! Und dann?", "Interessant. Warum?", "Ich verstehe. Mit wem?", "Kannst du mehr erzählen?"),
    "italian": ("Molto bene! E poi?", "Interessante. Perché?", "Capisco. Con chi?", "Puoi dirmi di più?"),
    "portuguese": ("Muito bem! E depois?", "Interessante. Por quê?", "Entendo. Com quem?", "Pode me contar mais?"),
    "japanese": ("いいですね。それから？", "面白いですね。どうして？", "なるほど。誰とですか。", "もっとどうぞ。"),
}

MISTAKES: dict[str, tuple[Mistake, ...]] = {
    "spanish": (
        Mistake("grammar", "Yo tiene dos hermanos.", "Yo tengo dos hermanos.", "First person of tener is tengo."),
        Mistake("grammar", "La problema es grande.", "El problema es grande.", "Problema is masculine."),
        Mistake("grammar", "Soy en casa.", "Estoy en casa.", "Use estar for places."),
        Mistake("vocabulary", "Estoy embarazada.", "Estoy avergonzada.", "Embarazada means pregnant."),
        Mistake("vocabulary", "Leo en la librería.", "Leo en la biblioteca.", "A library is a biblioteca."),
        Mistake("spelling", "Tanbién me gusta leer.", "También me gusta leer.", "También has an m and an accent."),
    ),
    "french": (
        Mistake("grammar", "J'ai allé au marché.", "Je suis allé au marché.", "Aller takes être in the passé composé."),
        Mistake("grammar", "Le maison est belle.", "La maison est belle.", "Maison is feminine."),
        Mistake("grammar", "Je suis vingt ans.", "J'ai vingt ans.", "Age takes avoir."),
        Mistake("vocabulary", "Je suis excité de partir.", "J'ai hâte de partir.", "Looking forward is avoir hâte."),
        Mistake("vocabulary", "Je lis à la librairie.", "Je lis à la bibliothèque.", "A library is a bibliothèque."),
        Mistake("spelling", "J'habite dans un apartement.", "J'habite dans un appartement.", "Appartement has two p."),
    ),
    "german": (
        Mistake("grammar", "Ich habe gegangen.", "Ich bin gegangen.", "Gehen takes sein in the perfect."),
        Mistake("grammar", "Ich sehe der Mann.", "Ich sehe den Mann.", "Sehen takes the accusative."),
        Mistake("grammar", "Heute ich arbeite viel.", "Heute arbeite ich viel.", "The verb comes second."),
        Mistake("vocabulary", "Ich will ein Gift kaufen.", "Ich will ein Geschenk kaufen.", "Gift means poison."),
        Mistake("vocabulary", "Ich bekomme müde.", "Ich werde müde.", "To become is werden."),
        Mistake("spelling", "Das ist sehr intressant.", "Das ist sehr interessant.", "Interessant keeps its middle e."),
    ),
    "italian": (
        Mistake("grammar", "Ho andato al mare.", "Sono andato al mare.", "Andare takes essere."),
        Mistake("grammar", "La problema è grande.", "Il problema è grande.", "Problema is masculine."),
        Mistake("grammar", "Io è stanco.", "Io sono stanco.", "First person of essere is sono."),
        Mistake("vocabulary", "Lavoro in fattoria.", "Lavoro in fabbrica.", "A factory is a fabbrica."),
        Mistake("vocabulary", "I miei parenti sono qui.", "I miei genitori sono qui.", "Parents are genitori."),
        Mistake("spelling", "Ho una machina nuova.", "Ho una macchina nuova.", "Macchina has two c."),
    ),
    "portuguese": (
        Mistake("grammar", "Eu tem um cachorro.", "Eu tenho um cachorro.", "First person of ter is tenho."),
        Mistake("grammar", "A problema é grande.", "O problema é grande.", "Problema is masculine."),
        Mistake("grammar", "Eu sou cansado hoje.", "Eu estou cansado hoje.", "Use estar for passing states."),
        Mistake("vocabulary", "Pretendo que estou doente.", "Finjo que estou doente.", "To pretend is fingir."),
        Mistake("vocabulary", "Eu assisto a faculdade.", "Eu frequento a faculdade.", "To attend is frequentar."),
        Mistake("spelling", "Eu gosto de viajem.", "Eu gosto de viagem.", "The noun viagem has a g."),
    ),
    "japanese": (
        Mistake("grammar", "学校で行きます。", "学校に行きます。", "Direction takes に."),
        Mistake("grammar", "昨日、映画を見ます。", "昨日、映画を見ました。", "Yesterday needs the past."),
        Mistake("grammar", "この本は面白いでした。", "この本は面白かったです。", "I-adjectives make their own past."),
        Mistake("vocabulary", "薬を食べます。", "薬を飲みます。", "Medicine is drunk in Japanese."),
        Mistake("vocabulary", "電話を作ります。", "電話をかけます。", "A call is かける."),
        Mistake("spelling", "きのお、友達に会いました。", "きのう、友達に会いました。", "きのう ends in う."),
    ),
}

CLEAN = len(MISTAKES["spanish"])
SLIPS = 2 * CLEAN


def clean_sentences() -> list[str]:
    """Sentences without a mistake, `CLEAN` per language in the order of LANGUAGES."""
    return [mistake.corrected for language in LANGUAGES for mistake in MISTAKES[language]]


def slips() -> list[tuple[Mistake, ...]]:
    """What one faulty message may hold, `SLIPS` per language: each mistake alone, then each with the next but one."""
    return [
        slip
        for language in LANGUAGES
        for known in [MISTAKES[language]]
        for slip in [(m,) for m in known] + [(m, known[(i + 2) % CLEAN]) for i, m in enumerate(known)]
    ]


def correction_json(slip: tuple[Mistake, ...]) -> str:
    """The app's `corrections` text: a JSON array of {type, original, corrected, explanation}."""
    return json.dumps([vars(mistake) for mistake in slip], ensure_ascii=False)


def openings() -> list[str]:
    """The tutor's first words, one per language and topic."""
    return [OPENINGS[language].format(word) for language in LANGUAGES for word in TOPIC_WORDS[language].split(", ")]


def replies() -> list[str]:
    """The tutor's later words, the same number per language."""
    return [reply for language in LANGUAGES for reply in REPLIES[language]]
