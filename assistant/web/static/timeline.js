// Which date a sentence names first, and sentences in that order. Knows English, Russian and Belarusian months.

const MONTHS = [
  "january|январ|студзе", "february|феврал|лют", "march|март|сакавік", "april|апрел|красавік",
  "may(?!\\p{L})|ма[йяе](?!\\p{L})|маі(?!\\p{L})|траў|траве", "june|июн|чэрве", "july|июл|ліпе", "august|август|жні",
  "september|сентябр|верас", "october|октябр|кастрычнік", "november|ноябр|лістапад", "december|декабр|снеж",
];
const MONTH = `(?:${MONTHS.join("|")})\\p{L}*`;
const YEAR = "(?:1[89]|20)\\d\\d";
const NEAR_YEAR = "in|of|since|from|until|by|after|before|during|between|early|late|autumn|spring|summer|winter";
// Leftmost wins, and at one place the more exact. A bare number is a year only where a word beside it says so.
const DATE = new RegExp("(?<![\\p{L}\\d])(?:" + [
  `(?<d1>\\d{1,2})(?:st|nd|rd|th)?\\s+(?:of\\s+)?(?<m1>${MONTH}),?\\s+(?<y1>${YEAR})`,
  `(?<m2>${MONTH})\\s+(?<d2>\\d{1,2})(?:st|nd|rd|th)?,\\s+(?<y2>${YEAR})`,
  `(?<y3>${YEAR})-(?<m3>\\d\\d)-(?<d3>\\d\\d)`,
  `(?<m4>${MONTH})\\s+(?<y4>${YEAR})`,
  `(?:${NEAR_YEAR})\\s+(?<y5>${YEAR})`,
  `(?<y6>${YEAR})(?=\\s*(?:год|гг?\\.))`,
].join("|") + ")(?![\\d\\p{L}])", "iu");

/** The first date that `text` names, as 2019-12-05, 2019-12 or 2019; null where it names none. */
export function firstDate(text) {
  const match = DATE.exec(text.replace(/\[[^\]]*\]/g, "")) || DATE.exec(text);  // what stands in brackets was added
  if (!match) return null;
  const part = (letter) => Object.entries(match.groups).find(([name, value]) => name[0] === letter && value)?.[1];
  const [day, month] = [part("d"), part("m")];
  return [part("y"), month && monthNumber(month), day].filter(Boolean).map((n) => String(n).padStart(2, "0")).join("-");
}

function monthNumber(word) {
  if (/^\d/.test(word)) return word;
  return MONTHS.findIndex((stems) => new RegExp(`^(?:${stems})`, "iu").test(word)) + 1;
}

/** Sentences that name a date, earliest first, and how many name none; null unless there are two different dates. */
export function timeline(sentences) {
  const dated = sentences.map((sentence) => ({ sentence, date: firstDate(sentence.text) }));
  const points = dated.filter((point) => point.date);
  if (new Set(points.map((point) => point.date)).size < 2) return null;
  points.sort((one, other) => (one.date < other.date ? -1 : Number(one.date > other.date)));
  return { points, left: dated.length - points.length };
}
