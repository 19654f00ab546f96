"""Verbs that tell whose word a sentence gives, in English, Russian and Belarusian. Data only; speakers.py reads it.

Four groups: what a speaker says, how he judges, what he foresees, and what only goes on in his mind, which somebody
else must have told.
"""

import re

_I = re.IGNORECASE


def words(table: str, flags: int = _I) -> re.Pattern[str]:
    """One pattern for alternatives that stand one a line or apart by two spaces."""
    alternatives = "|".join(filter(None, re.split(r" {2,}|\n", table)))
    return re.compile(rf"(?<![\w-])(?:{alternatives})(?![\w-])", flags)


_PAST_RU = "(?:л[аио]?|л[аи]?сь|лся|[еёи]т|[юуая]т|[еи]тся|[юуая]тся)"

_PAST_BE = "(?:[ўл]|л[аоі]|ўся|л[аіо]ся|[еі]|[еі]ць|[юуая]ць|[еі]цца|[юуая]цца)"


def _ru(stems: str) -> str:
    return rf"(?:{'|'.join(stems.split())}){_PAST_RU}"


def _be(stems: str) -> str:
    return rf"(?:{'|'.join(stems.split())}){_PAST_BE}"


_SAY_RU = _ru(
    """
    заяви заявля сказа говори сообщи сообща отмети отмеча подчеркну подчёркива подчеркива добави добавля объяви
    объявля пообеща обеща предупреди предупрежда призна признава призва призыва писа написа рассказа рассказыва
    поясни поясня объясни объясня напомни напомина указа указыва уточни уточня ответи отвеча подтверди
    подтвержда возрази обвини обвиня пожалова жалова потребова предложи предлага насчита переда процитирова
    цитиру акцентирова анонсирова вспомни вспомина выступи доказыва допусти допуска замети замеча изложи излага
    исключи информирова проинформирова намекну обосновыва отрица огласи отчита повтори повторя подытожи пожела
    посетова сетова попроси порекомендова рекомендова похвали представи провозгласи разъясни советова посоветова
    сформулирова требова убежда пригрози описа описыва датирова датиру подсчита зафиксирова показыва пересказа
    выдвину цитирова пересказыва констатирова констатиру настаива уверя завери прокомментирова комментиру отказа
    привод говоря поблагодари резюмирова свидетельству упомяну
    """
)
_SAY_BE = _be(
    """
    заяві заяўля сказа каза паведамі паведамля адзначы адзнача падкрэслі падкрэсліва дада сцвярджа абвясці абяца
    паабяца папярэдзі папярэджва напіса піса растлумачы тлумачы нагада нагадва прызна адказа адказва удакладні
    пацвердзі пацвярджа абвінаваці запатрабава прапанава прапану расказа распавё распавяда выказа заклі запярэчы
    абверг
    """
)
_JUDGE_RU = _ru(
    """
    назва называ оцени оценива охарактеризова характеризова раскритикова критикова критику осуди осужда сравни
    сравнива объясни трактова расцени расценива связыва усомни счё сочё
    """
)
_JUDGE_BE = _be(
    """
    назва называ ацані ацэньва ахарактарызава раскрытыкава асудзі параўна звязва
    """
)

SAY = words(
    r"""
    said  says  say  stated  states(?= that|:)  claim(?:ed)?  claims(?= that| to| the)  announce[ds]?  promise[ds]?
    pledge[ds]?  vow(?:ed|s)?  den(?:y|ied|ies)  added  adds(?! up)  told  tells?  declare[ds]?  assert(?:ed|s)?
    assure[ds]?  insist(?:ed|s)?  stress(?:ed|es)?  emphasi[sz]e[ds]?  underlined?  reported  reports?(?= that| on|,)
    noted  notes(?= that|,)  write  writes  wrote  explain(?:ed|s)?  acknowledge[ds]?  admit(?:s|ted)?  concede[ds]?
    confirm(?:ed|s)?  complain(?:ed|s)?  repl(?:y|ied|ies)  answer(?:ed|s)  respond(?:ed|s)?  recall(?:ed|s)?
    relate[ds]?  retold  retells  mention(?:ed|s)?  remark(?:ed|s)?  observe[ds]  accuse[ds]?  point(?:ed|s)? out
    let it be known  speaks? of  spoke of  spoke in  rule[ds]? out  turn(?:ed|s)? down  reject(?:ed|s)?
    dismiss(?:ed|es)?  object(?:ed|s)?  demand(?:ed|s)?(?= that)  propose[ds]?  quote[ds]?  cite[ds]?(?! by)
    allege[ds]?(?= that)  maintain(?:ed|s)?(?= that)  contend(?:ed|s)?  reiterate[ds]?  reveal(?:ed|s)?  disclose[ds]?
    summed up  sums up  summari[sz]e[ds]?  records?(?= that)  recorded(?= that)  thank(?:ed|s)  ask(?:ed|s) for
    urge[ds]?  call(?:ed|s)? (?:for|on)  quipped  joked  boasted  hint(?:ed|s)?  indicate[ds]?(?= that)
    (?:gave|gives?)(?=[^;]* (?:as|a promise|to understand)\b)  count(?:s|ed)(?! in\b| as\b| for\b| among\b| on\b)
    quantif(?:ied|ies)  puts?(?! (?:an? |the )?(?:end|pressure|into|their|his|her|in|on|off)\b)  named  names  dated
    dates(?= the| its| it)  date[ds]? the  trace[ds]?(?=[^;]* (?:back|to)\b)  outline[ds]?  lists?(?= )
    present(?:ed|s) (?:a|the|his|its) plan  affirm(?:ed|s)?  allude[ds]? to  allow(?:ed|s) that
    appeal(?:ed|s)? (?:for|to)  attribute[ds]?(?= )  ascribe[ds]?  aver(?:red|s)  avow(?:ed|s)  certif(?:ied|ies)
    contradict(?:ed|s)  convey(?:ed|s)  counter(?:ed|s)(?= that|,)  detail(?:ed|s)(?= )  deplore[ds]
    defend(?:ed|s)(?= )  dispute[ds](?= )  divulge[ds]  echo(?:ed|es)  elaborate[ds]  express(?:ed|es)(?= )
    guarantee[ds]? that  highlight(?:ed|s)?  impl(?:y|ied|ies)  inform(?:ed|s)  insinuate[ds]  invoke[ds]
    itemi[sz]e[ds]  justif(?:ied|ies)  narrate[ds]  oppose[ds]  posted(?= on| that)  publish(?:ed|es)(?= )
    reaffirm(?:ed|s)  rebuff(?:ed|s)  rebut(?:ted|s)  recommend(?:ed|s)?  recount(?:ed|s)?  refuse[ds]  refute[ds]?
    remind(?:ed|s)  repeat(?:ed|s)(?= )  reproach(?:ed|es)  retort(?:ed|s)  show(?:s|ed)(?= that)
    signal(?:l?ed|s)(?= that)  stipulate[ds](?= that)  swore  swears  threaten(?:ed|s)?  tweet(?:ed|s)  welcome[ds]
    made (?:it )?(?:clear|known|the point)  makes (?:it )?clear  has it that  had it that  drew attention to
    went on to say  (?:sets?|laid|lays) out  put forward  putting (?:the|it) at  agreed that  request(?:ed|s)?(?= )
    press(?:ed|es) for  recogni[sz]e[ds] that  confide[ds]  stood by  ran a  carried a report
    specif(?:ied|ies)(?= that)  clarif(?:ied|ies)  apologi[sz]e[ds]  boast(?:s|ed)  vouche[ds]  attest(?:ed|s)
    testif(?:ied|ies)  registered(?= a| \d)  valued?s?(?= .* at)  tall(?:y|ied)  protest(?:ed|s)(?= against| that)
    charge[ds](?=[^;]* with\b)  renewed (?:his|her|its|the) (?:call|demand|offer|appeal)s?  lash(?:ed|es) out
    rail(?:ed|s) against  (?:spoke|came|speaks|comes) out (?:against|for|in)  spoke (?:against|up|for)  took issue
    held out  let (?:it )?slip  made (?:a|the|no) (?:promise|claim|statement|case)  voiced?  raised the possibility
    mark(?:ed|s) it  commented  briefed  convert(?:ed|s) this
    """
    rf"""
    {_SAY_RU}  (?:утвержда|заключи)(?:л[аи]?|ет|ют)(?=,? что)  пишет  пишут  опроверг\w*  отверг\w*  отрицает
    прив[её]л[аи]?  приводит  приводят  обратил\w* внимание  дал\w* понять  да[её]т понять
    относ(?:ит|ят|ил[аи]?)(?= [^;]* к)  высказа(?:л\w*)  выступи(?:л\w*) (?:за|против)  перечисли(?:л\w*)  {_SAY_BE}
    піш[аэ]  пішуць  кажа  кажуць  дадае  дадаюць
    """
)

JUDGE = words(
    r"""
    argue[ds]?  call(?:ed|s)?  describe[ds]?  characteri[sz]e[ds]?  warn(?:ed|s)?  caution(?:ed|s)?  suggest(?:ed|s)?
    conclude[ds]?(?= that|,)  estimate[ds]  estimate(?= that)  judge[ds]?  assess(?:ed|es)?  critici[sz]e[ds]?
    praise[ds]?  blame[ds]?  condemn(?:ed|s)?
    (?:took|takes)(?! over| part| place| office| effect| up)(?=[^;]{1,60} as\b)  finds?(?= that| the)  found(?= )
    treat(?:ed|s)?(?=[^;]* as\b)  places?(?= the)  placed(?= the)  holds? that  held that
    came to the (?:view|conclusion)  brand(?:ed|s)  decr(?:y|ied|ies)  deem(?:ed|s)?  deride[ds]  dub(?:bed|s)
    endorse[ds]  fault(?:ed|s)  flagg?ed  frame[ds](?=[^;]* as)  label(?:l?ed|s)  mock(?:ed|s)  opine[ds]
    posit(?:ed|s)  rate[ds](?= the)  read(?:s)?(?=[^;]{1,60} as\b)  cast(?:s)?(?=[^;]{1,60} as\b)  ridicule[ds]
    speculate[ds]  surmise[ds]  suspect(?:ed|s)  (?:took|takes) the view  diagnose[ds]  discern(?:ed|s)?
    credit(?:ed|s) with  extol(?:led|s)  commend(?:ed|s)  bemoan(?:ed|s)  challenge[ds]
    (?:is|was|are|were) (?:of the (?:view|opinion)|convinced|confident|sure)  interpret(?:ed|s)?  portray(?:ed|s)?
    depict(?:ed|s)?  reckon(?:ed|s)? that  lament(?:ed|s)?  compare[ds]?(?= )  likened  hailed  denounce[ds]?
    advocate[ds]?  question(?:ed|s)(?= )
    """
    rf"""
    {_JUDGE_RU}  трактует  трактуют  сч[её]л\w*  {_JUDGE_BE}
    """
)

FORESEE = words(
    r"""
    forecasts?  forecasted  predict(?:ed|s)?  project(?:ed|s)(?= that| the)  foresaw  foresees?  foretold
    envisage[ds]?  envision(?:ed|s)?  expressed (?:the )?hope  prophes(?:ied|ies)
    спрогнозирова\w+  прогнозиру(?:ет|ют)  прогнозирова\w+  предсказа(?:л\w*)  предсказыва\w+  выразил\w* надежду
    прагназу(?:е|юць)  прагназава\w+  прадказа(?:ў|л\w*)  выказа(?:ў|л\w*) (?:надзею|спадзяванне)
    """
)

EXPECT = words(
    r"""
    expect(?:ed|s)?  hope[ds]?  reckon(?:ed|s)? (?:with|on)  anticipate[ds]?
    ожида(?:ет|ют|л[аио]?)  наде(?:ется|ются|ялся|ялась|ялись)  рассчитыва(?:ет|ют|л[аио]?)  чака(?:е|юць|ў|л[аоі])
    спадзя(?:ецца|юцца|ваўся|валася|валіся)  разлічва(?:е|юць|ў|л[аоі])
    """
)

MIND = words(
    r"""
    define[ds]?  believe[ds]?  thinks?  thought  consider(?:ed|s)?  regard(?:ed|s)?  view(?:ed|s)?  sees?  saw
    want(?:ed|s)?  fear(?:ed|s)?  seeks?  sought  intend(?:ed|s)?  prefer(?:red|s)?  favou?r(?:ed|s)?  doubt(?:ed|s)?
    feels? that  felt that  wish(?:ed|es)?  likely believes?
    счита(?:ет|ют|л[аио]?)  полага(?:ет|ют|л[аио]?)  дума(?:ет|ют|л[аио]?)  вер(?:ит|ят|ил[аи]?)  уверен[аы]?
    опаса(?:ется|ются|л(?:ся|ась|ись))  хо(?:чет|тят|тел[аио]?)  жела(?:ет|ют|л[аио]?)  вид(?:ит|ят|ел[аио]?)
    рассматрива(?:ет|ют)(?= [^;]*как\b)  стрем(?:ится|ятся|ил(?:ся|ась|ись))  сомнева(?:ется|ются|л(?:ся|ась|ись))
    убежд[её]н[аы]?  ліч(?:ыць|аць|ыў|ыл[аоі])  мярку(?:е|юць)  меркава(?:ў|л[аоі])  дума(?:е|юць|ў|л[аоі])  баіцца
    баяцца  хоча  хочуць  хаце(?:ў|л[аоі])  жада(?:е|юць|ў|л[аоі])  бач(?:ыць|аць|ыў|ыл[аоі])  упэўнен[аыы]?
    перакана(?:ны|ная|ныя)  разгляда(?:е|юць)(?= [^;]*як\b)  імкн(?:ецца|уцца|ўся|улася)  сумнява(?:ецца|юцца)
    """
)

# Plain statements: the verbs that make the inner speaker of a nested report the one to name.
STATES = words(
    r"""
    said  says  stated?s?  claim(?:ed|s)?  announce[ds]  told  tells  promise[ds]  pledge[ds]  den(?:ied|ies)
    declare[ds]  assert(?:ed|s)  assure[ds]  insist(?:ed|s)  stress(?:ed|es)  warn(?:ed|s)  argue[ds]  added  adds
    wrote  writes  noted  confirm(?:ed|s)  admitted  acknowledged  conceded  replied  answered  explained  called
    described  emphasi[sz]ed

    (?:настаива|уверя|завер|возра|заяв|сказа|говор|сообщ|отме[тч]|подч[её]рк|добав|утвержда|обеща|пообеща)\w*
    (?:предупре|пиш|писа|написа|поясн|призна|назв|назыв)\w*
    (?:заяў|заяві|каза|паведа|адзнач|падкрэс|дада|сцвярдж|абяца|папярэ|піш|піса|напіса|тлума|прызна|назв|назыв)\w*
    """
)

# With these whoever stands before them speaks, whatever he is called.
SPEAKS = words(
    "said  says  say  told  tells  insist(?:ed|s)?  argue[ds]?  admit(?:ted|s)?  think  thinks  believes?  complained"
)

SAYING = words(r"(?:say|claim|stat|argu|warn|insist|declar|announc|add|assert|suggest|stress|promis|not)ing(?= that)")

# Sources pass on what others say; their own verb then gives way to the inner one.
PASSES_ON = words(
    r"""said  says  reports?  reported  writes?  wrote  quote[ds]?  relate[ds]?  cite[ds]?  recall(?:ed|s)?  told  noted
    notes  retold  сообщ\w+  пиш\w+  писа\w+  переда\w+  заявля\w+  цитир\w+  паведам\w+  піш\w+"""
)
