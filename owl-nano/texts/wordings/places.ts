import { lines } from "./lines.ts";

/** Questions about where things are, and whose flag it is. R stands for a relation, S for a side, X and Y for things. */
export const PLACE_WORDINGS = {
  /** R: "to the left of", X: "the dog". */
  whatIs: lines(`
    what is R X?
    what do you see R X?
    what thing is R X?
    which thing is R X?
    R X?
    R X is what?
    what can you see R X?
    what is there R X?
    what stands R X?
    what is shown R X?
    what object is R X?
    name the thing R X.
    tell me what is R X.
    look R X. what is there?
    i wonder what is R X.
    what did i draw R X?
    can you tell me what is R X?
    could you say what is R X?
    could you please name the thing R X?
    please tell me what is R X.
  `),
  /** S: "on the left". */
  whatIsAt: lines(`
    what is S?
    what do you see S?
    what thing is S?
    which thing is S?
    S?
    what have you S?
    what can you see S?
    what is there S?
    what is shown S?
    what object is S?
    what is S in the picture?
    what is S of the picture?
    name the thing S.
    tell me what is S.
    look S. what is there?
    i wonder what is S.
    what is the thing S?
    which object is S?
    can you tell me what is S?
    could you say what is S?
    could you please name the thing S?
    please tell me what is S.
  `),
  /** K: "animal", S: "on the left". */
  whatKindIsAt: lines(`
    what K is S?
    which K is S?
    what K do you see S?
    the K S is what?
    name the K S.
    what K can you see S?
    tell me what K is S.
    what is the K S?
    i wonder what K is S.
    can you name the K S?
    could you tell me which K is S?
    please name the K S.
  `),
  /** X: "the dog". */
  where: lines(`
    where is X?
    where is X in the picture?
    where do you see X?
    where can you see X?
    where exactly is X?
    where's X?
    where in the image is X?
    in what part of the picture is X?
    what is the place of X?
    find X.
    tell me where X is.
    say where X is.
    show me X. where is it?
    i can not find X. where is it?
    i wonder where X is.
    at which place is X?
    do you see where X is?
    can you tell me where X is?
    could you please tell me where X is?
    please tell me where you see X.
    could you find X?
  `),
  whereIt: lines(`
    where is it?
    where in the picture is it?
    where is it in the image?
    where is the thing?
    in what part of the picture is it?
    where do you see it?
    where can i find it?
    where's it?
    on which side is it?
    and where is it?
    tell me where it is.
    what is its place in the picture?
    is it left, right, top or bottom?
    can you tell me where it is?
    could you say where the thing is?
    please tell me where it is.
  `),
  /** R: "to the left of", X and Y: "the dog". */
  isRelation: lines(`
    is X R Y?
    is X R Y in the picture?
    X is R Y, right?
    is X R Y or not?
    do you see X R Y?
    is it true that X is R Y?
    tell me if X is R Y.
    would you say X is R Y?
    i think X is R Y. right?
    am i right that X is R Y?
    does X stand R Y?
    can you tell me if X is R Y?
    could you check if X is R Y?
    please tell me if X is R Y.
    is X shown R Y?
    look at X. is it R Y?
  `),
  flag: lines(`
    what flag is this?
    which flag is this?
    whose flag is this?
    what country is this?
    which country is this?
    country?
    what country has this flag?
    which country has this flag?
    name the country.
    name the flag.
    of which country is this flag?
    to which country does this flag belong?
    what country is this flag from?
    where is this flag from?
    what nation's flag is this?
    tell me the country of this flag.
    do you know this flag?
    i wonder whose flag this is.
    can you name the country?
    can you tell me whose flag this is?
    could you please tell me which flag this is?
    please name the country with this flag.
    would you tell me what flag you see?
    which country does the flag stand for?
  `),
} as const;
