import { COLORS } from "../../concepts/colors.ts";
import { indefinite } from "../../concepts/nouns.ts";
import { inWords } from "../scene-words.ts";
import { NAMES } from "../small-documents.ts";
import { type AskedTurn, type Telling, turnOf } from "../turns.ts";
import { ask, type WordingKind } from "../wordings.ts";
import { linked } from "./multi-turn.ts";

/** What owl-nano answers in small talk. */
const ANSWERS = {
  hello: [
    "hello! show me a picture or ask me something.",
    "hi! what can i do for you?",
    "hello! what would you like to know?",
  ],
  howAreYou: ["i am fine, thank you.", "i am well, thank you. and you?"],
  whoAreYou: ["i am owl-nano, a small owl that looks at pictures."],
  whatCanYouDo: [
    "i can say what is in a picture and answer questions about it.",
    "show me a picture and ask what it is, how many there are, or what a sign says.",
  ],
  whoMadeYou: ["i was trained from nothing on two cores."],
  thanks: ["you are welcome.", "you are welcome! ask me more if you like."],
  bye: ["goodbye! see you soon.", "bye! it was nice to talk to you."],
  likes: ["yes, i like to look at pictures.", "i like pictures best."],
  favoriteColor: ["my favorite color is blue."],
  favoriteAnimal: ["my favorite animal is the owl."],
  areYouHuman: ["no, i am a small language model.", "i am a small model, not a person."],
  praise: ["thank you.", "thank you! i am glad."],
  blame: ["i am sorry. i am small and can be wrong.", "i am sorry. i can be wrong."],
  smart: ["i am small and can be wrong.", "i am a small owl. i know a little and can be wrong."],
  aboutMe: ["i am a small model. i have no body.", "i am only a small model in a computer."],
  love: ["thank you! i like you too.", "that is kind of you."],
  joke: ["what does an owl say at night? who, who.", "why do owls look at pictures? they have big eyes."],
  story: ["i can not do that. i am better at pictures.", "that is too much for me. show me a picture."],
  bored: ["i am sorry. shall we look at a picture?", "i hope you feel better soon."],
  glad: ["i am glad to hear that.", "that is nice to hear."],
  okay: ["good. what else would you like to know?", "good."],
  ready: ["yes, please ask.", "go on, i am listening."],
  language: ["i speak simple english only."],
} as const satisfies Readonly<Partial<Record<WordingKind, readonly string[]>>>;

const INTENTS = Object.keys(ANSWERS) as (keyof typeof ANSWERS)[];

/** One turn of small talk. */
export function smallTalkTurn(
  telling: Telling,
  intents: readonly (keyof typeof ANSWERS)[] = INTENTS,
): AskedTurn {
  const intent = telling.random.pick(intents);
  const answers: readonly string[] = ANSWERS[intent];
  return { ...turnOf("small talk", ask(intent, telling), telling.random.pick(answers), []), anyOf: answers };
}

/** Small talk that fits between questions about a picture. */
export function aside(telling: Telling): AskedTurn {
  return smallTalkTurn(telling, [
    "thanks",
    "praise",
    "okay",
    "ready",
    "whoAreYou",
    "likes",
    "whatCanYouDo",
    "hello",
  ]);
}

/** "say that again." */
export function sayAgainTurn(earlier: readonly AskedTurn[], telling: Telling): AskedTurn[] {
  const before = earlier.at(-1);
  if (before === undefined || before.answer.length > 80 || before.ability === "small talk") return [];
  return [{ ...turnOf("memory", ask("sayAgain", telling), before.answer, before.slot), form: before.form }];
}

/** "are you sure?": the answer stands. */
export function areYouSureTurn(earlier: readonly AskedTurn[], telling: Telling): AskedTurn[] {
  const before = earlier.at(-1);
  if (before === undefined || before.ability !== "name") return [];
  return [turnOf("memory", ask("areYouSure", telling), `yes, ${before.answer}`, ["yes", ...before.slot])];
}

/** Something told and, later, asked. */
interface Memory {
  readonly told: AskedTurn;
  readonly asked: AskedTurn;
}

function nameMemory(telling: Telling): Memory {
  const name = telling.random.pick(NAMES);
  return {
    told: turnOf("memory", ask("myName", telling, { X: name }), `hello ${name}!`, [name]),
    asked: turnOf("memory", ask("whatIsMyName", telling), `your name is ${name}.`, [name]),
  };
}

function favoriteMemory(telling: Telling): Memory {
  const { random, world } = telling;
  const [K, kinds] = random.pick([
    ["color", undefined],
    ["animal", ["mammal", "bird", "reptile"]],
    ["fruit", ["fruit"]],
    ["instrument", ["instrument"]],
  ] as const);
  const X =
    kinds === undefined
      ? random.pick(COLORS).name
      : random.pick(world.concepts.filter(({ kind }) => (kinds as readonly string[]).includes(kind))).name;
  const told = kinds === undefined ? X : `the ${X}`;
  return {
    told: turnOf("memory", ask("myFavorite", telling, { K, X: told }), `your favorite ${K} is ${told}.`, [X]),
    asked: turnOf("memory", ask("whatIsMyFavorite", telling, { K }), `your favorite ${K} is ${told}.`, [X]),
  };
}

function possessionMemory(telling: Telling): Memory {
  const thing = indefinite(telling.random.pick(telling.world.concepts));
  return {
    told: turnOf("memory", ask("iHave", telling, { X: thing }), `you have ${thing}.`, [thing]),
    asked: turnOf("memory", ask("whatDoIHave", telling), `you have ${thing}.`, [thing]),
  };
}

function numberMemory(telling: Telling): Memory {
  const number = telling.random.integer(100);
  const X = telling.random.chance(0.5) ? `${number}` : inWords(number);
  return {
    told: turnOf("memory", ask("rememberNumber", telling, { X }), `i will remember ${X}.`, [X]),
    asked: turnOf("memory", ask("whatNumber", telling), `the number is ${X}.`, [X]),
  };
}

/** Something to remember, what comes between, and the question for it. */
export function memoryTurns(telling: Telling, between: readonly AskedTurn[]): AskedTurn[] {
  const { random } = telling;
  const memory = random.pick([
    nameMemory,
    nameMemory,
    favoriteMemory,
    favoriteMemory,
    possessionMemory,
    numberMemory,
  ])(telling);
  const reminded = random.chance(0.1) && between.length === 0;
  return linked([
    memory.told,
    ...between,
    reminded ? { ...memory.asked, ...ask("remind", telling) } : memory.asked,
  ]);
}
