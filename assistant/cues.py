"""Phrases that tell who speaks and how firmly, in English, Russian and Belarusian. Data only; verbs are in verbs.py."""

import re

from assistant.verbs import words

_I = re.IGNORECASE
_OF_RU = (
    "словам|мнению|данным|оценке|оценкам|сообщению|сообщениям|подсч[её]ту|подсч[её]там|информации|утверждению|версии|"
    "заявлению|признанию|наблюдению|расч[её]там|прогнозу|прогнозам|выражению|сведениям|замыслу|убеждению|подсчетам"
)

_OF_BE = (
    "словах|слоў|меркаванні|меркавання|звестках|звестак|дадзеных|даных|ацэнцы|ацэнкі|ацэнак|інфармацыі|паведамленні|"
    "паведамлення|паведамленняў|падліках|падлікаў|вынікаў|версіі|прагнозу|прагнозаў|заявы"
)

# After these comes the name of whose word it is, up to the next comma.
ACCORDING = words(
    rf"""
    according to(?! plan\b)
    (?:in|by|on|from) the (?:view|words|opinion|eyes|judge?ment|reading|estimation|estimates?|telling|account) of
    (?:in|by|on|from) the (?:count|summary|figures|data|reckoning|calculations?) of
    to quote  (?:cited|quoted|reported|relayed|described|recalled|retold|collected|summari[sz]ed) by
    with reference to  citing
    (?:по|согласно|со)(?: \w+)? (?:{_OF_RU}|слов)  согласно  в (?:трактовке|изложении|понимании|представлении|версии)
    с точки зрения  со ссылкой на  на взгляд  паводле(?: (?:\w+ )?(?:{_OF_BE}))?  згодна з  на думку  на погляд
    са слоў  са спасылкай на  па(?: \w+)? (?:{_OF_BE})  у (?:трактоўцы|разуменні|інтэрпрэтацыі)  з пункту гледжання
    """
)

# Of these phrases the word before belongs to what is said, or the name is only a carrier of another's word.
CARRIED = words(
    """
    citing  (?:cited|quoted|reported|relayed|described|recalled|retold|collected|summari[sz]ed) by  with reference to
    со ссылкой на  са спасылкай на
    """
)

VIEWED = re.compile(
    r"(?:\b(?:in|by|on|from)\s+)(?P<name>[^,;:]{2,70}?)(?:['’]s?)\s+(?:\w+\s+){0,2}?(?:view|opinion|reading|account|"
    r"words|report|figures?|estimates?|assessment|telling|judge?ment|count|summary|reckoning|data|survey|poll|"
    r"analysis|version|eyes|interpretation|retelling)\b",
    _I,
)

# "By World Bank data", "in the IISEPS poll", "by a Kremlin note": the name stands before what it published.
PUBLISHED = re.compile(
    r"\b(?:in|by|on|from|per)\s+(?:the |an? )?(?P<name>[^,;:]{2,60}?)\s+(?:data|figures|poll|survey|note|count|"
    r"estimates?)\b",
    _I,
)

FOR = re.compile(r"^(?:For|Для)\s+(?P<name>[^,;:—]{2,60}?),?\s+(?=the |a |it |this |—|это |гэта |Союзн|Саюзн)")

OWN = re.compile(
    r"^(?P<name>[^,;:]{2,70}?)['’]s?\s+(?:\w+\s+){0,2}?(?:account|report|figures?|estimates?|count|data|survey|poll|"
    r"analysis)\b"
)

AS = words("as  как  як", re.NOFLAG)

PRONOUN = words(r"he  she  they  him  her  он  она  они  ён  яна  яны  the (?:two|former|latter)  последний", _I)

_ROLES = (
    "president|premier|prime minister|minister|foreign minister|secretary|state secretary|ambassador|spokesman|"
    "spokeswoman|spokesperson|chairman|chairwoman|leader|official|diplomat|politician|analyst|expert|author|scholar|"
    "historian|economist|sociologist|general|deputy|governor|mayor|agency|newspaper|ministry|embassy|outlet|broadcaster|website|"
    "президент|премьер|премьер-министр|министр|глава|посол|пресс-секретарь|секретарь|председатель|спикер|политик|эксперт|"
    "аналитик|автор|историк|дипломат|депутат|госсекретарь|политолог|агентство|издание|газета|ведомство|министерство|"
    "прэзідэнт|прэм'ер|прэм’ер|міністр|кіраўнік|пасол|прэс-сакратар|сакратар|старшыня|палітык|эксперт|аналітык|аўтар|"
    "гісторык|дыпламат|дэпутат|палітолаг|агенцтва|выданне"
)

BARE_ROLE = re.compile(rf"^(?:the |this |his |her )?(?:\w+ (?=leader|president|minister))?(?:{_ROLES})$", _I)

# Heads of unnamed speakers, in the plural or as bodies: whoever reads "experts said" knows who is meant.
SPEAKERS = words(
    r"""
    experts?  observers?  groups?  authorities  government  ministry  officials?  sources?  media  outlets?
    journalists?  analysts?  opposition  protesters?  leaders?  presidents?  premiers?  minister  ambassador
    spokes\w+  editors?  board  court  commission  people  deputies  diplomats?  members?  critics?  historians?
    economists?  lawyers?  defenders?  organi[sz]ations?  agenc(?:y|ies)  newspapers?  parliament  assembly  committee
    company  service  party  activists?  scholars?  researchers?  politicians?  residents?  army  military  bank
    union  chairman  secretary  firm  scientists?  sociologists?  investigators?  campaigners?  respondents?  side
    sides  parties  consortium  capitals  officers?  representatives?  commanders?  generals?  advis[eo]rs?  aides?
    directors?  delegates?  figures  intelligence  veterans?  workers?  employees?  citizens  students?  voters  head
    chief  insiders?  lobbyists?  envoy  team  authors?  envoys?  president  analyst  prosecutors?  website  site
    press
    эксперт\w*  наблюдател\w*  источник\w*  власт\w+  правительств\w*  министерств\w*  чиновник\w*  сми  журналист\w*
    аналитик\w*  оппозици\w+  политолог\w*  лидер\w*  президент\w*  премьер\w*  министр\w*  посол\w*  правозащитник\w*
    депутат\w*  дипломат\w*  критик\w*  историк\w*  экономист\w*  юрист\w*  собеседник\w*  ведомств\w+  пресс-\w+
    сторон\w+  партия  парламент  комитет  суд  банк  военные  участник\w*  социолог\w*  глав[аы]  председател\w*
    автор\w*  издани\w+  руководител\w+  агентств\w+  газета  телеканал  посольств\w+  назіральнік\w*  крыніц\w*
    улад\w+  урад\w*  міністэрств\w*  чыноўнік\w*  медыя  журналіст\w*  аналітык\w*  апазіцы\w+  палітолаг\w*
    лідар\w*  прэзідэнт\w*  прэм\S+  міністр\w*  пасол\w*  праваабаронц\w*  дэпутат\w*  удзельнік\w*  гісторык\w*
    эканаміст\w*  суразмоўц\w*  бок\w*  партыя  сацыёлаг\w*  кіраўнік\w*  старшын\w+  аўтар\w*
    """
)

# What is published speaks for whoever published it.
PUBLICATIONS = words(
    r"""
    reports?  text  summary  commentary  analysis  newsletter  digest  study  survey  poll  paper  article  essay
    account  snapshot  note  statement  website  site  page  headline  data
    (?<!opposition )(?<!political )(?<!public )figures?  calendar  encyclopedia  blog
    post  release  brief(?:ing)?  book  interview  reviews?  edition  repost  chronology  document  plan  leak
    programme  editorial
    копия  статья  заметка  отч[её]т\w*  доклад\w*  текст  документ\w*  исследовани\w+  сайт\w*  опрос\w*  материал\w*
    публикаци\w+  телеканал  издание  данны\w+  обзор  хронологи\w+  копія  артыкул\w*  нататка  справаздач\w+
    даклад\w*  тэкст  дакумент\w*  даследаванн\w+  апытанн\w+  матэрыял\w*  звестк\w+  публікацы\w+
    """
)

PREPOSITION = words(
    r"""
    of  to  with  by  from  for  in  at  on  after  before  against  between  into  over  near  under  about  via
    inside  citing  than  toward  towards  as  behind  like  through  during  among  across  within  and other
    without  including
    в  во  на  с  со  к  ко  по  о  об  от  до  из  у  за  для  при  над  под  через  без  между  перед  против  после
    около  ва  з  са  да  па  аб  ад  пра  пры  пад  праз  паміж  супраць  пасля  каля  ў
    """
)

HEDGED_FORECAST = words(
    r"""
    will (?:\w+ )?(?:likely|probably|almost certainly)  likely (?:to|will|remain\w*)  unlikely to
    (?:is|are|was|were) expected to  will  would likely  is set to  are set to  forecasts?
    in the coming (?:years|months)
    вероятно  скорее всего  ожидается  ожидалось  прогноз\w*  прогнозируется  будет  будут  возможно  верагодна
    хутчэй за ўсё  чакаецца  чакалася  прагноз\w*  будзе  будуць  магчыма
    """
)

HEDGED_OPINION = words(
    r"""
    probably  likely  apparently  seems?  seemingly  arguably  presumably  undoubtedly  perhaps  must be seen  in fact
    in effect  de facto  most likely  hardly
    пожалуй  очевидно  несомненно  похоже  видимо  кажется  по сути  фактически  якобы(?= не)  напэўна  відавочна
    здаецца  відаць  па сутнасці  фактычна
    """
)

# In rules these words give leave or set duties; elsewhere they are somebody's guess or wish.
MODAL = words(
    r"""
    should  ought to  could  might  must
    следует  должн\w+  необходимо  варта  павінн\w*  павінен  трэба
    """
)

HEDGED_CLAIM = words(
    r"""
    reportedly  allegedly  alleged  purported(?:ly)?  supposedly  unconfirmed  if confirmed
    (?:is|are|was|were) (?:said|reported|believed|thought|estimated|rumou?red|considered|claimed)(?= to| at| that)
    so-called  claims? of
    якобы  будто бы  по некоторым данным  по неподтвержд[её]нным \w+  сообщалось  сообщается  утверждается  считается
    как сообщалось  не подтвержден\w+  по слухам
    по (?:официальным|предварительным|разным|открытым) (?:данным|оценкам)  нібыта  быццам бы  паведамлялася
    паведамляецца  сцвярджаецца  лічыцца  не пацверджан\w+  паводле (?:неафіцыйных|папярэдніх)
    """
)

PASSIVE = re.compile(
    r"\b(?:was|were|is|are|been|being|be)\s+(?:\w+ly\s+)?(?:\w+ed|seen|said|written|known|"
    r"told)\b[^;:]{0,120}?\bby\s+(?P<name>[^,;:]+)",
    _I,
)

BE = re.compile(
    r"(?:\b(?:was|were|is|are|been|being|be|gets?|got|to|will|would|can|could|may|might|should|must|not|"
    r"n't)\s+(?:\w+ly\s+)?)$",
    _I,
)

_LAW = (
    "preamble|article|art\\.|articles|paragraph|treaty|charter|constitution|agreement|decree|law|regulations|protocol|"
    "act"
)

_LAW_RU = (
    "стать(?:[еяи]|ёй)|договор[уеа]?м?|устав[уе]?|конституци[ияю]|соглашени[юияе]м?|декрет[уе]?|закон[уе]?|"
    "преамбул[аые]|акт[уе]?"
)

_LAW_BE = (
    "артыкул[ауе]?|дагавор[ауе]?м?|статут[ауе]?|канстытуцы[іяю]|пагадненн[яеі]м?|дэкрэт[ауе]?|закон[ауе]?|прэамбул[аыe]"
)

_FEW, _FEW_RU = r"(?:(?!of\b|by\b|to\b)[\w-]+ ){0,4}?", r"(?:[\w-]+ ){0,3}?"

# A treaty or law that speaks for itself.
AUTHORITY = re.compile(
    rf"(?:\b(?:under|by|according to|pursuant to|in line with)\s+(?:the\s+)?{_FEW}(?:{_LAW})(?![\w'’])|"
    rf"\b(?:{_LAW})\b[^;]{{0,80}}?\s(?:says?|states(?= that)|provides?|stipulates?|sets?|lets?|requires?|defines?|"
    rf"lists?|names?|"
    rf"establish(?:es)?|specif(?:y|ies)|guarantees?|extends?|obliges?|acknowledges?|recalls?|affirms?|commits?)\b|"
    rf"(?<!\w)(?:по|согласно|в соответствии с|в)\s+{_FEW_RU}(?:{_LAW_RU})(?!\w)|"
    rf"(?<!\w)(?:{_LAW_RU})(?!\w)[^;]{{0,80}}?\s(?:гласит|устанавливает|предусматривает|называет|определяет|да[её]т|"
    rf"откладывает|требует|закрепляет|говорит)(?!\w)|"
    rf"(?<!\w)(?:паводле|згодна з|у адпаведнасці з|у)\s+{_FEW_RU}(?:{_LAW_BE})(?!\w)|"
    rf"(?<!\w)(?:{_LAW_BE})(?!\w)[^;]{{0,80}}?\s(?:абвяшчае|устанаўлівае|прадугледжвае|называе|вызначае|дае|"
    rf"патрабуе)(?!\w))",
    _I,
)

LAW = words(f"{_LAW}|{_LAW_RU}|{_LAW_BE}")

QUOTING = re.compile(
    r"\b(?:quot(?:ed|es)|cit(?:ed|es)|цитир\w+|прив(?:ёл|ел\w*|одит) слова|переда(?:ёт|ет|л\w*) слова|прыв(?:ёў|яла|"
    r"одзіць) словы)\s+"
    r"(?P<name>[^,;:]+?)(?=\s+(?:as (?:saying|having|calling|stating)|to the effect)|\s+о том|,|;|\.$|\s+пра тое|$)",
    _I,
)

# Words of judgement that make a plain sentence of an analyst more than a report of an event.
EVALUATION = words(
    r"""
    primarily  supposed to  pretext  allowed  however  therefore  thus  indeed  ultimately  eventually  although
    though  despite  forced  compel\w*  increasingly  critical  easily  difficult\w*  priority  goals?  aims?  risks?
    threats?  influence  grip  hope[ds]?  sought  seeks?  wants?  wanted  brutal\w*  mysterious  attractive  weak\w*
    strong\w*  heavily  total  reliance  pressure  clear  serves?  benefit  suggest\w*  essential  ambiguous  loath
    insufficient  because  in this way  instead  merely  largely  never  never\w*
    поэтому  однако  следовательно  итак  вынужд\w+  угроз\w+  риск\w*  влияни\w+  зависимост\w+  слаб\w+  выгодн\w+
    невыгодн\w+  таму  аднак  такім чынам  пагроз\w+  рызык\w*  уплыў\w*  залежнасц\w+
    """
)

ROLE_BEFORE = re.compile(rf"{SPEAKERS.pattern}\s$", _I)

# Parts between commas that no subject stands in.
ASIDE = re.compile(
    r"^(?:who|whom|which|with|citing|cited|quoted|via|following|after|before|during|then|now|as|at|in|on|of|for|to|"
    r"by|from|and|"
    r"speaking|writing|published|who|whose|however|but|so|whereas|of course|including|together|also|meanwhile|"
    r"according|"
    r"как|в|на|с|со|по|тогда|ныне|выступая|отвечая|комментируя|который|котор\w+|однако|а|и|но|при|после|до|перед|"
    r"як|у|ў|на|з|па|тады|цяпер|выступаючы|адказваючы|пасля|аднак|але)\b",
    _I,
)

_ASK = (
    r"said?|say|says|claim(?:ed)?|state|announce|promise|warn|argue|think|believe|see|view|define|describe|call|"
    r"expect|judge|"
    + (
        r"assess|estimate|forecast|predict|explain|put|want|demand|propose|tell|suggest|regard|consider|"
        r"characteri[sz]e|report|write|"
        r"mean|interpret|treat|conclude|respond|react|comment|deny|admit|complain|accuse|insist|add|understand|"
        r"evaluate|give|name"
    )
)

ASKED = re.compile(rf"\b(?:did|does|do|has|had|would)\s+(?P<name>[^,;?]{{2,60}}?)\s+(?:\w+ly\s+)?(?:{_ASK})\b", _I)

ASKED_VIEW = re.compile(
    r"\b(?:view|opinion|position|reading|assessment|attitude|statement|words|forecast|response|stance|"
    r"interpretation)s? of (?P<name>[^,;?]{2,50}?)(?= on\b| about\b| to\b| regarding\b|[,;?]|$)|"
    r"(?:мнение|позици[яю]|взгляд|оценк[ау]|отношение|меркаванне|пазіцы[яю]|погляд|"
    r"ацэнк[ау])\s(?P<name_ru>[^,;?]{2,50}?)(?=\s(?:о|об|на|по|к|пра|аб)\s|[,;?]|$)",
    _I,
)

ASKED_LAW = re.compile(
    rf"(?:(?:according to|under|pursuant to)\s+(?:the\s+)?|\b(?:does|did|do)\s+(?:the\s+)?|согласно\s+|(?<!\w)по\s+|"
    rf"паводле\s+|згодна з\s+|(?:говорит|гласит|сказано в|говорится в|кажа|гаворыць|сказана ў|гаворыцца ў)\s+)"
    rf"(?P<name>{_FEW}(?:{_LAW}|{_LAW_RU}|{_LAW_BE}))(?!\w)",
    _I,
)

JOINING = ("and", "but", "и", "а", "но", "і", "але")

# What is stated follows: a clause or a quote.
CONTENT = re.compile(r"[^;:.]{0,40}(?:\bthat\b|\bчто\b|\bшто\b|[:«“\"'])|\s+(?:it|him|her|them|the|a|his|no|any)\b", _I)

# Between a name and its verb: "figures", "of the ministry", "cited by somebody".
AFTER_NAME = re.compile(
    rf"(?:(?:{PUBLICATIONS.pattern}|{SPEAKERS.pattern})\s*)?(?:$|[(,]|{PREPOSITION.pattern}|(?:cited|quoted|asked)\b)",
    _I,
)

# A rule says what will be without foreseeing it.
FUTURE = words("will  shall  будет  будут  будзе  будуць")
