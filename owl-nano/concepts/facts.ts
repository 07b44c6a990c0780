import type { Concept } from "./concepts.ts";
import { doing, GROWS, LIVES, place } from "./fact-phrases.ts";
import { article, general, generalIsPlural, indefinite, kindPhrase } from "./nouns.ts";

/** One relation of a thing, in every form that it is told or asked. */
export interface Relation {
  readonly name: string;
  /** Questions with `X` where "it" or the thing's name goes; the last is for testing only. */
  readonly questions: readonly string[];
  /** The one sentence that answers. */
  answer(concept: Concept, value: string): string;
  /** The words of the answer that count. */
  slot(value: string): string;
  /** Further ways of saying it. */
  statements(concept: Concept, value: string): string[];
}

function verb(concept: Concept, plural: string, singular: string): string {
  return generalIsPlural(concept) ? plural : singular;
}

const eats: Relation = {
  name: "eats",
  questions: [
    "X eats what?",
    "food of X?",
    "what is X fed with?",
    "could you tell me what X eats?",
    "please tell me what X likes to eat.",
    "i wonder what X eats.",
    "what does X eat?",
    "what does X like to eat?",
    "what food does X eat?",
    "and what does X eat?",
    "tell me what X eats.",
    "what is the food of X?",
    "what does X feed on?",
  ],
  answer: (c, v) => `${c.plural} eat ${v}.`,
  slot: (v) => v,
  statements: (c, v) => [
    `${c.plural} eat ${v}.`,
    `${indefinite(c)} eats ${v}.`,
    `${c.plural} like to eat ${v}.`,
    `the food of ${c.plural} is ${v}.`,
    `${v}: that is what ${indefinite(c)} eats.`,
    `${c.plural} feed on ${v}.`,
    `when ${indefinite(c)} is hungry, it eats ${v}.`,
  ],
};
const home: Relation = {
  name: "home",
  questions: [
    "home of X?",
    "where do you think X lives?",
    "could you tell me where X lives?",
    "please tell me where X is at home.",
    "i wonder where X lives.",
    "where does X live?",
    "and where does X live?",
    "where is the home of X?",
    "tell me where X lives.",
    "in what place does X live?",
    "where is X at home?",
    "where can X be found living?",
  ],
  answer: (c, v) => `${c.plural} live ${LIVES[v]}.`,
  slot: (v) => v,
  statements: (c, v) => [
    `if you look for ${c.plural}, go and look ${LIVES[v]}.`,
    `${c.plural} live ${LIVES[v]}.`,
    `${indefinite(c)} lives ${LIVES[v]}.`,
    `the home of ${c.plural} is the ${v}.`,
    `${LIVES[v]} you can find ${c.plural}.`,
    `${c.plural} are at home ${LIVES[v]}.`,
    `the ${v} is where ${indefinite(c)} lives.`,
  ],
};
const legs: Relation = {
  name: "legs",
  questions: [
    "legs of X?",
    "X has how many legs?",
    "could you tell me how many legs X has?",
    "please count the legs of X.",
    "i wonder how many legs X has.",
    "how many legs does X have?",
    "and how many legs does X have?",
    "how many legs has X?",
    "count the legs of X.",
    "tell me how many legs X has.",
    "what is the number of legs of X?",
    "on how many legs does X go?",
  ],
  answer: (c, v) => `${indefinite(c)} has ${v} legs.`,
  slot: (v) => v,
  statements: (c, v) => [
    `on ${v} legs goes ${indefinite(c)}.`,
    `${v} is the number of legs that ${indefinite(c)} has.`,
    `${indefinite(c)} has ${v} legs.`,
    `${c.plural} have ${v} legs.`,
    `the number of legs of ${indefinite(c)} is ${v}.`,
    `every ${c.name} has ${v} legs.`,
  ],
};
const young: Relation = {
  name: "young",
  questions: [
    "the baby of X?",
    "what is the word for the baby of X?",
    "what name does the young of X have?",
    "could you tell me what the baby of X is called?",
    "please name the young of X.",
    "what is the baby of X called?",
    "what is the young of X called?",
    "how do you call the baby of X?",
    "and the baby of X?",
    "what do you call the young of X?",
    "tell me the name of the baby of X.",
    "what is a young one of X?",
  ],
  answer: (c, v) => `a young ${c.name} is called ${article(v)}.`,
  slot: (v) => v,
  statements: (c, v) => [
    `when ${indefinite(c)} is young, it is called ${article(v)}.`,
    `a young ${c.name} is called ${article(v)}.`,
    `the baby of ${indefinite(c)} is ${article(v)}.`,
    `a baby ${c.name} is called ${article(v)}.`,
    `${article(v)} grows up to be ${indefinite(c)}.`,
    `${indefinite(c)} was ${article(v)} once.`,
  ],
};
const taste: Relation = {
  name: "taste",
  questions: [
    "taste of X?",
    "is the taste of X sweet, sour or something else?",
    "could you tell me how X tastes?",
    "please tell me the taste of X.",
    "i wonder how X tastes.",
    "how does X taste?",
    "what does X taste like?",
    "and how does X taste?",
    "what is the taste of X?",
    "tell me how X tastes.",
    "what taste does X have?",
    "how would you describe the taste of X?",
  ],
  answer: (c, v) => `${general(c)} ${verb(c, "taste", "tastes")} ${v}.`,
  slot: (v) => v,
  statements: (c, v) => [
    `${v} is the taste of ${general(c)}.`,
    `${general(c)}: the taste is ${v}.`,
    `${general(c)} ${verb(c, "taste", "tastes")} ${v}.`,
    `the taste of ${general(c)} is ${v}.`,
    `${general(c)} ${verb(c, "have", "has")} a ${v} taste.`,
    `if you eat ${general(c)}, it tastes ${v}.`,
  ],
};
const grows: Relation = {
  name: "grows",
  questions: [
    "where is it that X grows?",
    "could you tell me where X grows?",
    "please tell me where to pick X.",
    "i wonder where X grows.",
    "where does one pick X?",
    "where does X grow?",
    "and where does X grow?",
    "on what does X grow?",
    "tell me where X grows.",
    "where do people pick X?",
    "where would X grow?",
    "what is the place where X grows?",
  ],
  answer: (c, v) => `${general(c)} ${verb(c, "grow", "grows")} ${GROWS[v]}.`,
  slot: (v) => v,
  statements: (c, v) => [
    `people pick ${general(c)} ${GROWS[v]}.`,
    `${general(c)}, that is what grows ${GROWS[v]}.`,
    `${general(c)} ${verb(c, "grow", "grows")} ${GROWS[v]}.`,
    `${general(c)} ${verb(c, "are", "is")} growing ${GROWS[v]}.`,
    `look for ${general(c)} ${GROWS[v]}.`,
    `${GROWS[v]} ${general(c)} can grow.`,
  ],
};
const madeof: Relation = {
  name: "madeof",
  questions: [
    "what is needed to make X?",
    "from what is X made?",
    "could you tell me what X is made of?",
    "please tell me what is in X.",
    "i wonder what X is made of.",
    "what is X made of?",
    "and what is X made of?",
    "what is X made from?",
    "tell me what X is made of.",
    "what is in X?",
    "what do you need to make X?",
    "out of what is X made?",
  ],
  answer: (c, v) => `${general(c)} ${verb(c, "are", "is")} made of ${v}.`,
  slot: (v) => v,
  statements: (c, v) => [
    `${general(c)} ${verb(c, "come", "comes")} from ${v}.`,
    `${v} is what ${general(c)} ${verb(c, "are", "is")} made of.`,
    `${general(c)} ${verb(c, "are", "is")} made of ${v}.`,
    `to make ${general(c)} you need ${v}.`,
    `people make ${general(c)} from ${v}.`,
    `there is ${v} in ${general(c)}.`,
  ],
};
const use: Relation = {
  name: "use",
  questions: [
    "use of X?",
    "what do people do with X?",
    "what is the use of X?",
    "could you tell me what X is for?",
    "please tell me what X is used for.",
    "i wonder what X is for.",
    "what is X for?",
    "what is X used for?",
    "and what is X for?",
    "what can you do with X?",
    "tell me what X is for.",
    "why do people have X?",
    "for what do people use X?",
  ],
  answer: (c, v) => `${general(c)} ${verb(c, "are", "is")} for ${doing(v)}.`,
  slot: (v) => doing(v),
  statements: (c, v) => [
    `with ${indefinite(c)} you can do this: ${doing(v)}.`,
    `the use of ${indefinite(c)} is ${doing(v)}.`,
    `${general(c)} ${verb(c, "are", "is")} for ${doing(v)}.`,
    `${general(c)} ${verb(c, "are", "is")} used for ${doing(v)}.`,
    `people use ${general(c)} for ${doing(v)}.`,
    `for ${doing(v)} you need ${indefinite(c)}.`,
  ],
};
const found: Relation = {
  name: "place",
  questions: [
    "place of X?",
    "at what place is X found?",
    "where does one see X?",
    "could you tell me where to find X?",
    "please tell me where X can be found.",
    "i wonder where you find X.",
    "where do you find X?",
    "where can you find X?",
    "and where do you find X?",
    "where would you look for X?",
    "tell me where to find X.",
    "where is X found?",
    "in what place would you see X?",
  ],
  answer: (c, v) => `you find ${general(c)} ${place(v)}.`,
  slot: (v) => v,
  statements: (c, v) => [
    `${place(v)}: there you find ${general(c)}.`,
    `if you need ${indefinite(c)}, look ${place(v)}.`,
    `you find ${general(c)} ${place(v)}.`,
    `${general(c)} can be found ${place(v)}.`,
    `look ${place(v)} for ${indefinite(c)}.`,
    `${place(v)} you may see ${indefinite(c)}.`,
  ],
};
const kind: Relation = {
  name: "kind",
  questions: [
    "kind of X?",
    "what kind is X?",
    "of what kind is X?",
    "could you tell me what kind of thing X is?",
    "please tell me the kind of X.",
    "i wonder what kind of thing X is.",
    "what kind of thing is X?",
    "and what kind of thing is X?",
    "what is X, in general?",
    "what sort of thing is X?",
    "to what kind does X belong?",
    "tell me what kind of thing X is.",
    "what type of thing is X?",
  ],
  answer: (c, v) =>
    `${indefinite(c)} ${indefinite(c) === c.plural && generalIsPlural(c) ? "are" : "is"} ${kindPhrase(v)}.`,
  slot: (v) => v,
  statements: (c, v) => [
    `${indefinite(c)} belongs to this kind: ${v}.`,
    `${v} is the kind of ${indefinite(c)}.`,
    `if you see ${indefinite(c)}, you see ${kindPhrase(v)}.`,
    `${general(c)} ${verb(c, "are", "is")} a kind of ${v}.`,
    `the kind of ${indefinite(c)} is ${v}.`,
    `${kindPhrase(v)}: one example is ${indefinite(c)}.`,
  ],
};

const RELATIONS: Readonly<Record<string, Relation>> = {
  eats,
  home,
  legs,
  young,
  taste,
  grows,
  madeof,
  use,
  place: found,
  kind,
};

/** Things that are made for a purpose; of a cloud or a rose one does not ask what it is for. */
const MADE = new Set(
  "vehicle building shelter instrument tool object device clothing toy furniture weapon medicine machine".split(
    " ",
  ),
);

/** What is known of a concept: each relation with its value. */
export function factsOf(concept: Concept): { relation: Relation; value: string }[] {
  const facts = Object.entries(concept.facts).filter(([name]) => name !== "use" || MADE.has(concept.kind));
  const told = facts.map(([name, value]) => ({ relation: RELATIONS[name], value }));
  const listed = concept.kind === concept.name ? told : [...told, { relation: kind, value: concept.kind }];
  for (const { relation } of listed)
    if (relation === undefined)
      throw new Error(
        `concepts.tsv: every relation of "${concept.name}" must be known, got ${facts.map(([name]) => name).join(", ")}`,
      );
  return listed;
}

/** The question about "it" or about the thing by name. */
export function ask(question: string, thing: string): string {
  return question.replace("X", thing);
}

/** How a question changes where X stands for several and is its subject: "does X" → "do X", "X eats" → "X eat". */
const PLURAL_VERBS: readonly (readonly [RegExp, string])[] = [
  [/\bdoes X\b/, "do X"],
  [/\bhas X\b/, "have X"],
  [/\bis X\b/, "are X"],
  [/\bX has\b/, "X have"],
  [/\bX is\b/, "X are"],
  [/\b(would|can) X\b/, "$1 X"],
  [/\bX can\b/, "X can"],
  [/\bX (eat|live|taste|grow|like)s\b/, "X $1"],
];

/** The question about things in the plural, by name or as "they" and "them": "what do pandas eat?" */
export function askPlural(question: string, subject: string, object = subject): string {
  const change = PLURAL_VERBS.find(([singular]) => singular.test(question));
  return change === undefined ? ask(question, object) : ask(question.replace(...change), subject);
}
