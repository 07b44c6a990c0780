import type { Random } from "../random.ts";
import type { Turn } from "./conversation.ts";

/** Small talk: ways of saying it, and what owl-nano answers. The last way is for testing only. */
const SMALL_TALK: readonly (readonly [readonly string[], readonly string[]])[] = [
  [
    [
      "hello",
      "hello!",
      "hi",
      "hi there",
      "hey",
      "hello owl",
      "good morning",
      "good day",
      "good evening",
      "hello, how do you do?",
    ],
    ["hello! show me a picture or ask me something."],
  ],
  [
    [
      "how are you?",
      "how are you today?",
      "are you well?",
      "how do you feel?",
      "how is it going?",
      "are you fine?",
      "how are things?",
    ],
    ["i am fine, thank you."],
  ],
  [
    [
      "who are you?",
      "what is your name?",
      "what are you?",
      "tell me about you.",
      "what are you called?",
      "your name?",
      "introduce yourself.",
    ],
    ["i am owl-nano, a small owl that looks at pictures."],
  ],
  [
    [
      "what can you do?",
      "how can you help me?",
      "what do you do?",
      "what are you good at?",
      "help",
      "can you help me?",
      "what can i ask you?",
    ],
    ["i can say what is in a picture and answer questions about it."],
  ],
  [
    [
      "who made you?",
      "where do you come from?",
      "who built you?",
      "how were you made?",
      "who trained you?",
      "where were you made?",
    ],
    ["i was trained from nothing on two cores."],
  ],
  [
    [
      "thank you",
      "thanks",
      "thank you very much",
      "thanks a lot",
      "many thanks",
      "great, thanks",
      "thanks, owl",
    ],
    ["you are welcome."],
  ],
  [
    ["bye", "goodbye", "good bye", "see you", "good night", "see you later", "bye bye"],
    ["goodbye! see you soon."],
  ],
  [
    [
      "do you like me?",
      "do you like pictures?",
      "do you like to look at pictures?",
      "do you like this?",
      "are you happy?",
      "do you have fun?",
    ],
    ["yes, i like to look at pictures."],
  ],
  [
    [
      "are you a person?",
      "are you human?",
      "are you real?",
      "do you have a body?",
      "are you alive?",
      "are you a machine?",
    ],
    ["no, i am a small language model."],
  ],
  [
    ["good", "great", "well done", "nice", "very good", "that is right", "you are right", "correct"],
    ["thank you."],
  ],
  [
    ["that is wrong", "no, that is wrong", "you are wrong", "not right", "that is not right", "wrong"],
    ["i am sorry. i am small and can be wrong."],
  ],
];

const NUMBERS =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split(
    " ",
  );

/** One turn of small talk. */
export function smallTalk(random: Random): Turn {
  const [ways, answers] = random.pick(SMALL_TALK);
  return { question: random.pick(ways.slice(0, -1)), answer: random.pick(answers) };
}

/** One small skill: adding up to twenty, the next number, repeating a word. */
export function smallSkill(random: Random, words: readonly string[]): Turn {
  const dice = random.next();
  if (dice < 0.4) {
    const a = random.integer(11);
    const b = random.integer(11);
    const question = random.pick(["what is A plus B?", "how much is A plus B?", "add A and B."]);
    const asked = question.replace("A", NUMBERS[a]).replace("B", NUMBERS[b]);
    return { question: asked, answer: `${NUMBERS[a]} plus ${NUMBERS[b]} is ${NUMBERS[a + b]}.` };
  }
  if (dice < 0.55) {
    const n = random.integer(20);
    return {
      question: `what comes after ${NUMBERS[n]}?`,
      answer: `after ${NUMBERS[n]} comes ${NUMBERS[n + 1]}.`,
    };
  }
  const list = random.shuffle(words).slice(0, 2 + random.integer(3));
  if (dice < 0.8) {
    const first = random.chance(0.5);
    const asked = first ? "first" : "last";
    return {
      question: `what is the ${asked} word? ${list.join(" ")}`,
      answer: `the ${asked} word is ${first ? list[0] : list.at(-1)}.`,
    };
  }
  return { question: `say ${list.join(" ")}`, answer: `${list.join(" ")}.` };
}
