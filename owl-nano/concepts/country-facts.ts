import type { Country } from "./countries.ts";

/** One relation of a country, in every form that it is told or asked. */
export interface CountryRelation {
  readonly name: "capital" | "continent" | "language" | "currency";
  /** Questions with `X` where the country's name, "this country" or "it" goes. */
  readonly questions: readonly string[];
  /** Questions about the country that was spoken of before. */
  readonly followUps: readonly string[];
  /** The one sentence that answers. */
  answer(country: Country, value: string): string;
  /** Further ways of saying it. */
  statements(country: Country, value: string): string[];
}

const capital: CountryRelation = {
  name: "capital",
  questions: [
    "what is the capital of X?",
    "which city is the capital of X?",
    "the capital of X?",
    "capital of X?",
    "what capital does X have?",
    "what is the capital city of X?",
    "name the capital of X.",
    "tell me the capital of X.",
    "what is X's capital?",
    "i wonder what the capital of X is.",
    "do you know the capital of X?",
    "could you tell me the capital of X?",
    "please name the capital of X.",
    "which city is the head of X?",
  ],
  followUps: [
    "what is its capital?",
    "and its capital?",
    "capital?",
    "and the capital?",
    "what is the capital?",
    "which city is its capital?",
    "tell me its capital.",
    "could you tell me its capital?",
    "please name its capital.",
  ],
  answer: ({ name }, v) => `the capital of ${name} is ${v}.`,
  statements: ({ name }, v) => [
    `the capital of ${name} is ${v}.`,
    `${v} is the capital of ${name}.`,
    `${name} has a capital: ${v}.`,
    `${name}'s capital is ${v}.`,
    `the capital city of ${name} is called ${v}.`,
    `if you go to the capital of ${name}, you go to ${v}.`,
    `${v} is a city. it is the capital of ${name}.`,
  ],
};

const continent: CountryRelation = {
  name: "continent",
  questions: [
    "on which continent is X?",
    "what continent is X on?",
    "which continent is X on?",
    "in what part of the world is X?",
    "where in the world is X?",
    "the continent of X?",
    "what is the continent of X?",
    "to which continent does X belong?",
    "tell me the continent of X.",
    "i wonder on which continent X is.",
    "could you tell me on which continent X is?",
    "please tell me the continent of X.",
  ],
  followUps: [
    "on which continent is it?",
    "and the continent?",
    "continent?",
    "where in the world is it?",
    "what continent is it on?",
    "which continent is that?",
    "tell me its continent.",
    "please tell me its continent.",
  ],
  answer: ({ name }, v) => `${name} is in ${v}.`,
  statements: ({ name }, v) => [
    `${name} is in ${v}.`,
    `${name} is a country in ${v}.`,
    `the continent of ${name} is ${v}.`,
    `${name} belongs to ${v}.`,
    `in ${v} there is a country called ${name}.`,
    `if you are in ${name}, you are in ${v}.`,
  ],
};

const language: CountryRelation = {
  name: "language",
  questions: [
    "what language do people speak in X?",
    "which language is spoken in X?",
    "what language is spoken in X?",
    "what do people speak in X?",
    "the language of X?",
    "language of X?",
    "what is the language of X?",
    "tell me the language of X.",
    "which language do they speak in X?",
    "i wonder what they speak in X.",
    "could you tell me the language of X?",
    "please tell me what people speak in X.",
  ],
  followUps: [
    "what do people speak there?",
    "which language do they speak there?",
    "and the language?",
    "language?",
    "what is its language?",
    "what language is spoken there?",
    "tell me its language.",
    "please tell me what they speak there.",
  ],
  answer: ({ name }, v) => `people in ${name} speak ${v}.`,
  statements: ({ name }, v) => [
    `people in ${name} speak ${v}.`,
    `the language of ${name} is ${v}.`,
    `in ${name} they speak ${v}.`,
    `${v} is spoken in ${name}.`,
    `${v} is the language of ${name}.`,
    `if you go to ${name}, you will hear ${v}.`,
  ],
};

const currency: CountryRelation = {
  name: "currency",
  questions: [
    "what money do people use in X?",
    "what is the money of X?",
    "what is the currency of X?",
    "which currency does X have?",
    "the money of X?",
    "currency of X?",
    "how do people pay in X?",
    "with what money do you pay in X?",
    "tell me the money of X.",
    "i wonder what money they use in X.",
    "could you tell me the currency of X?",
    "please tell me what money X has.",
  ],
  followUps: [
    "what money do they use there?",
    "and the money?",
    "money?",
    "what is its money?",
    "and the currency?",
    "what is its currency?",
    "with what do people pay there?",
    "please tell me its money.",
  ],
  answer: ({ name }, v) => `the money of ${name} is the ${v}.`,
  statements: ({ name }, v) => [
    `the money of ${name} is the ${v}.`,
    `the currency of ${name} is the ${v}.`,
    `in ${name} people pay with the ${v}.`,
    `${name} has its own money or shares it: the ${v}.`,
    `the ${v} is the money of ${name}.`,
    `if you buy something in ${name}, you need the ${v}.`,
  ],
};

/** What is known of a country: each relation with its value. */
export function countryFactsOf(country: Country): { relation: CountryRelation; value: string }[] {
  const facts = [capital, continent, language, currency].map((relation) => ({
    relation,
    value: country[relation.name],
  }));
  return facts.filter(
    (fact): fact is { relation: CountryRelation; value: string } => fact.value !== undefined,
  );
}
