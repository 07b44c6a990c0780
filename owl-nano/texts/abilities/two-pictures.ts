import type { Scene, Subject } from "../../scenes/scene.ts";
import { captionOf, contentOf, documentLines } from "../scene-captions.ts";
import {
  backgroundName,
  groupsOf,
  inWords,
  isSign,
  nameOf,
  oneOf,
  pairOf,
  subjectKey,
  textOf,
} from "../scene-words.ts";
import { type AskedTurn, type Telling, turnOf, withVerdict } from "../turns.ts";
import { ask } from "../wordings.ts";
import { groupSlot } from "./naming.ts";
import { similarTo } from "./presence.ts";

type Pair = readonly [Scene, Scene];
type Asking = (pair: Pair, telling: Telling) => AskedTurn[];

const ORDINALS = ["first", "second"] as const;

/** The subjects of a scene, each once. */
function subjects(scene: Scene): Subject[] {
  return groupsOf(scene).map(({ subject }) => subject);
}

function keys(scene: Scene): string[] {
  return subjects(scene).map(subjectKey);
}

function isPlain(scene: Scene): boolean {
  return (
    scene.lines.length === 0 &&
    scene.things.length > 0 &&
    subjects(scene).every(({ kind }) => kind !== "unknown")
  );
}

/** "the first picture shows a dog." */
function shows(at: 0 | 1, scene: Scene): string {
  const what =
    isSign(scene) || scene.document !== undefined ? captionOf(scene).replace(/\.$/, "") : contentOf(scene);
  return `the ${ORDINALS[at]} picture shows ${what}.`;
}

/** Whether both show the same kinds of things. */
function isAlike([a, b]: Pair): boolean {
  return [...keys(a)].sort().join("|") === [...keys(b)].sort().join("|");
}

const same: Asking = (pair, telling) => {
  if (!pair.every(isPlain)) return [];
  const yes = isAlike(pair);
  // Pictures are seldom alike, so "no" is said seldom.
  if (!yes && telling.random.chance(0.5)) return [];
  const each = `${shows(0, pair[0]).slice(0, -1)} and ${shows(1, pair[1]).slice(0, -1)}`;
  const answer = withVerdict(yes, each);
  return [turnOf("two pictures binary", ask("pairSame", telling), answer, [yes ? "yes" : "no"])];
};

const which: Asking = (pair, telling) => {
  if (!pair.every(isPlain)) return [];
  const at = telling.random.integer(2) as 0 | 1;
  const other = new Set(keys(pair[1 - at]));
  const only = subjects(pair[at]).filter((subject) => !other.has(subjectKey(subject)));
  if (only.length === 0) return [];
  const subject = telling.random.pick(only);
  const asked = ask("whichPicture", telling, { X: oneOf(subject) });
  const answer = `${oneOf(subject)}? ${shows(0, pair[0])} ${shows(1, pair[1])} it is the ${ORDINALS[at]} picture.`;
  return [turnOf("two pictures binary", asked, answer, [ORDINALS[at]])];
};

const inOne: Asking = (pair, telling) => {
  const at = telling.random.integer(2) as 0 | 1;
  const asked = ask("inPicture", telling, { O: ORDINALS[at] });
  return [turnOf("two pictures naming", asked, shows(at, pair[at]), contentSlot(pair[at]))];
};

const read: Asking = (pair, telling) => {
  const at = telling.random.integer(2);
  const scene = pair[at];
  if (scene.lines.length === 0 || scene.document !== undefined) return [];
  const text = textOf(scene);
  const asked = ask("readPicture", telling, { O: ORDINALS[at] });
  return [turnOf("scene text", asked, `the ${ORDINALS[at]} picture says "${text}".`, [text])];
};

/** The words that decide, in the order in which the content is told. */
function contentSlot(scene: Scene): string[] {
  if (scene.document !== undefined) return documentLines(scene.document);
  const text = scene.lines.length > 0 ? [textOf(scene)] : [];
  const pair = pairOf(scene);
  if (pair === undefined) return [...groupsOf(scene).flatMap(groupSlot), ...text];
  return [nameOf(pair.first.subject), nameOf(pair.second.subject)];
}

const inBoth: Asking = (pair, telling) => {
  if (!pair.every(isPlain)) return [];
  const second = new Set(keys(pair[1]));
  const shared = subjects(pair[0]).filter((subject) => second.has(subjectKey(subject)));
  if (shared.length === 0 && telling.random.chance(0.7)) return [];
  const what = shared.length === 0 ? "nothing" : shared.map(oneOf).join(" and ");
  const slot = shared.length === 0 ? ["nothing"] : shared.map(nameOf);
  return [turnOf("two pictures naming", ask("inBoth", telling), `in both pictures is ${what}.`, slot)];
};

const total: Asking = (pair, telling) => {
  if (!pair.every(isPlain)) return [];
  const [a, b] = pair.map(({ things }) => things.length);
  const sum = inWords(a + b);
  const answer = `${inWords(a)} plus ${inWords(b)} is ${sum}.`;
  return [turnOf("two pictures naming", ask("totalBoth", telling), answer, [sum])];
};

const different: Asking = (pair, telling) => {
  if (!pair.every(isPlain)) return [];
  const alike = isAlike(pair) && pair[0].things.length === pair[1].things.length;
  const [first, second] = pair.map(backgroundName);
  if (alike && first === second) return [];
  const asked = ask("different", telling);
  if (alike)
    return [
      turnOf("two pictures naming", asked, `the background was ${first} and is now ${second}.`, [
        first,
        second,
      ]),
    ];
  const slot = pair.flatMap((scene) => contentSlot(scene));
  return [turnOf("two pictures naming", asked, `${shows(0, pair[0])} ${shows(1, pair[1])}`, slot)];
};

/** The longest answer, characters. */
const LONGEST = 150;

const describe: Asking = (pair, telling) => {
  const answer = `${shows(0, pair[0])} ${shows(1, pair[1])}`;
  if (answer.length > LONGEST) return [];
  const slot = pair.flatMap(contentSlot);
  return [turnOf("two pictures naming", ask("describeBoth", telling), answer, slot)];
};

const sameBackground: Asking = (pair, telling) => {
  if (!pair.every(isPlain)) return [];
  const [a, b] = pair.map(backgroundName);
  const each = `the first is ${a} and the second is ${b}`;
  const answer = withVerdict(a === b, each);
  return [turnOf("two pictures binary", ask("sameBackground", telling), answer, [a === b ? "yes" : "no"])];
};

const background: Asking = (pair, telling) => {
  const at = telling.random.integer(2);
  if (!isPlain(pair[at])) return [];
  const color = backgroundName(pair[at]);
  const asked = ask("backgroundOf", telling, { O: ORDINALS[at] });
  return [turnOf("color", asked, `the background of the ${ORDINALS[at]} picture is ${color}.`, [color])];
};

const more: Asking = (pair, telling) => {
  if (!pair.every(isPlain)) return [];
  const [a, b] = pair.map(({ things }) => things.length);
  if (a === b) return [];
  const ordinal = ORDINALS[a > b ? 0 : 1];
  const counts = `the first picture shows ${inWords(a)} and the second ${inWords(b)}.`;
  return [
    turnOf("two pictures binary", ask("whichMore", telling), `${counts} the ${ordinal} shows more.`, [
      ordinal,
    ]),
  ];
};

/** "is there a dog in the first picture?": yes in half of the cases. */
const isIn: Asking = (pair, telling) => {
  if (!pair.every(isPlain)) return [];
  const { random, world } = telling;
  const at = random.integer(2);
  const own = subjects(pair[at]);
  const others = subjects(pair[1 - at]).filter((subject) => !keys(pair[at]).includes(subjectKey(subject)));
  const yes = random.chance(0.5);
  const absent: Subject =
    others.length > 0 && random.chance(0.6)
      ? random.pick(others)
      : { kind: "concept", concept: similarTo(own[0], pair[at], world.concepts, random) };
  const X = oneOf(yes ? random.pick(own) : absent);
  const asked = ask("isInPicture", telling, { X, O: ORDINALS[at] });
  const answer = withVerdict(yes, shows(at as 0 | 1, pair[at]).slice(0, -1), X);
  return [turnOf("two pictures binary", asked, answer, [yes ? "yes" : "no"])];
};

/** What stands twice is asked twice as often. */
const ASKINGS: readonly Asking[] = [
  same,
  same,
  same,
  which,
  which,
  which,
  inOne,
  inOne,
  inOne,
  inOne,
  read,
  read,
  inBoth,
  total,
  different,
  describe,
  sameBackground,
  background,
  more,
  isIn,
];

/** Those that are answered by comparing. */
const CHECKS: readonly Asking[] = [same, same, which, which, sameBackground, isIn, isIn];

function drawn(pair: Pair, count: number, askings: readonly Asking[], telling: Telling): AskedTurn[] {
  const turns: AskedTurn[] = [];
  for (let tries = 0; turns.length < count && tries < 4 * count + 8; tries++) {
    const [turn] = telling.random.pick(askings)(pair, telling);
    if (turn !== undefined && turns.every(({ wordings }) => wordings[0] !== turn.wordings[0]))
      turns.push(turn);
  }
  return turns;
}

/** Different questions about two pictures. */
export function twoPictureTurns(pair: Pair, count: number, telling: Telling): AskedTurn[] {
  const turns = drawn(pair, count, ASKINGS, telling);
  return turns.length > 0 ? turns : inOne(pair, telling);
}

/** Questions that compare two pictures, with each other or with what was asked; none where they give no occasion. */
export function twoPictureChecks(pair: Pair, count: number, telling: Telling): AskedTurn[] {
  return drawn(pair, count, CHECKS, telling);
}
