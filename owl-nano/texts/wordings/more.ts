import { lines } from "./lines.ts";

/**
 * Further wordings of what is asked most, for training alone: none is held out, and none may be one that is (texts.test.ts). With the
 * lists alone, questions in words that were new to it were answered as others with the same beginning.
 */
export const MORE_WORDINGS = {
  nameOne: lines(`
    so what is this?
    this is what?
    what is it that i drew?
    have a look. what is it?
    tell me, what is it?
    i need to know what this is.
    what is that thing?
  `),
  see: lines(`
    what is going on here?
    look at this picture. what is there?
    what did i draw?
    tell me what is on it.
    so what do you see here?
    what can we see?
  `),
  describe: lines(`
    in one sentence: what is to be seen?
    say what is in the picture in one sentence.
    make a caption for it.
    how would you describe this?
    a short description, please.
    describe everything you see.
    give a description of this.
  `),
  background: lines(`
    what color did i use behind it?
    the color behind the things?
    what is the color behind everything?
    which color is all around it?
    what color is the paper?
    on which color is the thing?
    what color lies behind it?
    the background has what color?
    is the background red, blue or what?
    what color is around the thing?
    say the background's color.
    on what background did i draw it?
  `),
  color: lines(`
    X has what color?
    say what color X is.
    the color X has?
    X: what color?
    what color did i give X?
    of which color is X?
    what is X's color?
    i want to know what color X is.
  `),
  itsColor: lines(`
    its color is what?
    what color do you see?
    of what color is it?
    say its color.
    what color did i give it?
    the thing has what color?
  `),
  isThere: lines(`
    is there X or not?
    is there X to be found here?
    do you notice X?
    did i draw X?
    have i drawn X?
    is there X in this?
    can X be seen?
    look for X. is it there?
    do you spot X?
    does it show X?
    is one of the things X?
    there is X, right?
    do you find X here?
    is X part of the picture?
    X, yes or not?
    i am looking for X. do you see it?
  `),
  areThere: lines(`
    did i draw any X?
    do you find any X?
    can any X be seen?
    are there X or not?
    look for X. are there any?
    does it show any X?
    there are X, right?
  `),
  isThis: lines(`
    is this really X?
    so this is X?
    is it maybe X?
    is that X or not?
    did i draw X? is it that?
    do you think it is X?
    would you call this X?
    is it X or something else?
    i say it is X. is that right?
    it is X, right?
    is the picture of X?
    that is X, or not?
    do you see X in it, or something else?
    is the drawing of X?
    my friend says it is X. is it?
    is this thing X?
  `),
  isColor: lines(`
    is X really of the color C?
    X has the color C, right?
    did i draw X in C?
    C is the color of X, or not?
    would you call X C?
    so X is C?
  `),
  count: lines(`
    X: how many?
    how many X did i put there?
    how many X can we see?
    what number of X is there?
    count all the X.
    say how many X you find.
    the X, how many are they?
    how many X have i drawn?
    give me the number of X.
  `),
  countAll: lines(`
    how many are they?
    how many things have i drawn?
    count what you see.
    the number of things?
    how many things can we see?
    how many have you found?
  `),
  whatIs: lines(`
    what do i see R X?
    what have i drawn R X?
    name what is R X.
    say what stands R X.
    which one is R X?
  `),
  whatIsAt: lines(`
    S is what?
    what stands S?
    what have i drawn S?
    say what is S.
    which one is S?
    name what is S.
  `),
  where: lines(`
    X is where?
    where did i draw X?
    on which side is X?
    say on which side X is.
    where have i put X?
    where would i look for X?
    X: where is it?
    where does X stand?
  `),
  whereIt: lines(`
    it is where?
    where did i draw it?
    where have i put it?
    say where you see it.
    where does it stand?
    which part of the picture is it in?
    where is it in the drawing?
  `),
  read: lines(`
    what is the word here?
    what do the letters say?
    say what is written.
    what words are these?
    which words do you see?
    read what it says.
    what have i written?
    the words, please.
  `),
  doesItSay: lines(`
    have i written W?
    does it read W?
    do you see the word W?
    is W what it says?
    W: is that what it says?
  `),
  items: lines(`
    what stands on the list?
    read all items.
    which things are on the list?
    say all items.
    what is listed?
    what do i need to get?
    go through the items.
    what are the items?
    the whole list, please.
  `),
  readAll: lines(`
    read everything on it.
    what does the whole paper say?
    say every line.
    all lines, please.
    what is written on it, line by line?
  `),
  firstItem: lines(`
    the first on the list?
    with which item does it begin?
    which one comes first?
    say the first item.
    what does the list begin with?
  `),
  lastItem: lines(`
    the last on the list?
    with which item does it end?
    which one comes last?
    say the last item.
    what does the list end with?
  `),
  price: lines(`
    the X costs what?
    what does the X cost me?
    what did i pay for X?
    X is how much?
    say what X costs.
  `),
  whatCosts: lines(`
    V is the price of what?
    what is there for V?
    find what costs V.
    which of them costs V?
  `),
  hasItem: lines(`
    is X among the items?
    can i find X on it?
    have i written X on the list?
    do i need X?
  `),
  areThereNumber: lines(`
    did i draw N X?
    are they N X?
    is N the number of X?
    there are N X, right?
    have i drawn N X?
    so there are N X?
  `),
  isRelation: lines(`
    did i draw X R Y?
    does X lie R Y?
    X stands R Y, right?
    have i put X R Y?
    so X is R Y?
  `),
  isInPicture: lines(`
    does X come in the O picture?
    do you find X in the O image?
    is X what the O picture shows?
  `),
  whichPicture: lines(`
    X is in which picture?
    which of them shows X?
    where do you see X, in the first or the second?
    find the picture with X.
  `),
  pairSame: lines(`
    do both have the same in them?
    did i draw the same thing twice?
    is there any difference in what they show?
  `),
  property: lines(`
    so, Z?
    what would you say, Z?
    tell me, Z?
  `),
  dayAfter: lines(`
    what comes after W in the week?
    W, and then?
    say which day is after W.
  `),
} as const;
