import { lines } from "./lines.ts";

/** Facts that are asked for a yes or no, the other way round, or all at once. */
export const FACT_CHECK_WORDINGS = {
  /** X: "pandas", V: "bamboo". */
  isFood: lines(`
    do X eat V?
    do X like to eat V?
    is V the food of X?
    X eat V, right?
    is it true that X eat V?
    do you know if X eat V?
    i think X eat V. right?
    tell me if X eat V.
    could you tell me if X eat V?
    please tell me if X eat V.
  `),
  /** L: "in the sea". */
  isHome: lines(`
    do X live L?
    are X at home L?
    X live L, right?
    is it true that X live L?
    do you know if X live L?
    i think X live L. right?
    can you find X L?
    tell me if X live L.
    could you tell me if X live L?
    please tell me if X live L.
  `),
  isCapital: lines(`
    is V the capital of X?
    is V the capital city of X?
    V is the capital of X, right?
    is the capital of X called V?
    is it true that V is the capital of X?
    i think V is the capital of X. right?
    tell me if V is the capital of X.
    could you tell me if V is the capital of X?
    please tell me if V is the capital of X.
  `),
  isContinent: lines(`
    is X in V?
    is X a country in V?
    X is in V, right?
    does X belong to V?
    is it true that X is in V?
    i think X is in V. right?
    tell me if X is in V.
    could you tell me if X is in V?
    please tell me if X is in V.
  `),
  isLanguage: lines(`
    do people in X speak V?
    is V spoken in X?
    do they speak V in X?
    is V the language of X?
    people in X speak V, right?
    i think they speak V in X. right?
    tell me if they speak V in X.
    could you tell me if they speak V in X?
    please tell me if people in X speak V.
  `),
  capitalOf: lines(`
    V is the capital of what?
    of which country is V the capital?
    which country has the capital V?
    what country has V as its capital?
    V is the capital of which country?
    to which country does V belong?
    where is V?
    in which country is V?
    tell me in which country V is.
    could you tell me in which country V is?
    please tell me of which country V is the capital.
  `),
  about: lines(`
    tell me about X.
    tell me something about X.
    what do you know about X?
    what can you tell me about X?
    say something about X.
    i want to learn about X.
    do you know something about X?
    a fact about X?
    give me a fact about X.
    could you tell me about X?
    can you tell me something about X?
    please tell me about X.
  `),
} as const;
