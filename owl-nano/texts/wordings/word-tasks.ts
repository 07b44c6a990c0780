import { lines } from "./lines.ts";

/** Small tasks with words. L stands for a list, W for a word, H for a home, F for food. */
export const WORD_WORDINGS = {
  countList: lines(`
    how many words are in this list: L?
    how many words are these: L?
    how many are these: L?
    count the words: L
    count: L
    L. how many words is that?
    how many things did i say: L?
    can you count these: L?
    could you count the words: L?
    please count these words: L
    how long is this list: L?
  `),
  firstWord: lines(`
    what is the first word: L?
    the first word of this: L?
    first word: L
    which word comes first: L?
    L. which word is first?
    say the first word: L
    tell me the first word of: L
    can you say the first word: L?
    could you give me the first of these: L?
    please say the first word: L
  `),
  lastWord: lines(`
    what is the last word: L?
    the last word of this: L?
    last word: L
    which word comes last: L?
    L. which word is last?
    say the last word: L
    tell me the last word of: L
    can you say the last word: L?
    could you give me the last of these: L?
    please say the last word: L
  `),
  longestWord: lines(`
    what is the longest word: L?
    the longest word of this: L?
    longest word: L
    which word is longest: L?
    L. which word is the longest?
    say the longest word: L
    tell me the longest word of: L
    can you find the longest word: L?
    could you give me the longest of these: L?
    please find the longest word: L
  `),
  sortWords: lines(`
    sort these words: L
    sort: L
    sort the words: L
    put these words in order: L
    put these in the order of the letters: L
    sort by first letter: L
    in which order do these words come: L?
    can you sort these words: L?
    could you sort these for me: L?
    please sort the words: L
  `),
  sortNumbers: lines(`
    sort these numbers: L
    sort the numbers: L
    put these numbers in order: L
    put the numbers in order: L
    from small to large: L
    order these numbers: L
    what is the order of these numbers: L?
    can you sort these numbers: L?
    could you put these numbers in order: L?
    please sort the numbers: L
  `),
  opposite: lines(`
    what is the opposite of W?
    the opposite of W?
    opposite of W?
    what is the contrary of W?
    what word means the opposite of W?
    W: what is the opposite?
    tell me the opposite of W.
    name the opposite of W.
    do you know the opposite of W?
    can you tell me the opposite of W?
    could you name the opposite of W?
    please tell me the opposite of W.
  `),
  spell: lines(`
    spell W.
    spell the word W.
    how do you spell W?
    how is W spelled?
    how do you write W?
    what are the letters of W?
    W letter by letter?
    tell me the letters of W.
    the spelling of W?
    can you spell W?
    can you spell W for me?
    could you spell the word W?
    please spell W.
    please spell the word W.
  `),
  lettersOf: lines(`
    how many letters does W have?
    how many letters has the word W?
    how many letters are in W?
    how long is the word W?
    count the letters of W.
    W has how many letters?
    letters in W?
    tell me how many letters W has.
    can you count the letters of W?
    could you tell me how many letters are in W?
    please count the letters of W.
  `),
  firstLetterOf: lines(`
    what is the first letter of W?
    with which letter does W begin?
    with what letter does W start?
    first letter of W?
    the first letter of W?
    tell me the first letter of W.
    W begins with which letter?
    can you tell me the first letter of W?
    could you name the first letter of W?
    please tell me the first letter of W.
  `),
  lastLetterOf: lines(`
    what is the last letter of W?
    with which letter does W end?
    last letter of W?
    the last letter of W?
    tell me the last letter of W.
    W ends with which letter?
    can you tell me the last letter of W?
    could you name the last letter of W?
    please tell me the last letter of W.
  `),
  copy: lines(`
    say: W
    say W
    repeat: W
    repeat after me: W
    repeat this: W
    copy this: W
    copy: W
    write: W
    write this down: W
    can you say: W
    could you repeat this: W
    please say: W
    please repeat: W
    tell me these words: W
  `),
  upperCase: lines(`
    write W in capital letters.
    write W in capitals.
    W in capitals?
    put W in upper case.
    say W in capital letters.
    upper case of W?
    make W upper case.
    what is W in capital letters?
    can you write W in capitals?
    could you put W in capital letters?
    please write W in upper case.
  `),
  plural: lines(`
    what is the plural of W?
    the plural of W?
    one W, two what?
    plural of W?
    how do you call many of W?
    i have one W. if i had two, what would i have?
    tell me the plural of W.
    what do you say for more than one W?
    can you tell me the plural of W?
    please tell me the plural of W.
  `),
  nameKind: lines(`
    name W.
    mention W.
    give me W.
    tell me W.
    can you name W?
    do you know W by name?
    name W, please.
    think of W.
    could you name W?
    please name W.
    i need W. do you know one?
    what would be W?
  `),
  nameThree: lines(`
    name three W.
    give me three W.
    tell me three W.
    list three W.
    can you name three W?
    do you know three W?
    could you list three W?
    please name three W.
    three W?
    which three W do you know?
  `),
  livesThere: lines(`
    which animals live H?
    what animals live H?
    what lives H?
    name animals that live H.
    which animals are at home H?
    tell me which animals live H.
    who lives H?
    do you know animals that live H?
    can you name animals that live H?
    could you tell me which animals live H?
    please name animals that live H.
  `),
  eatsThis: lines(`
    which animals eat F?
    what animals eat F?
    who eats F?
    what eats F?
    name animals that eat F.
    tell me which animals eat F.
    do you know animals that eat F?
    can you name animals that eat F?
    could you tell me which animals eat F?
    please name animals that eat F.
  `),
  isAKind: lines(`
    is X Y?
    is X Y or not?
    would you say X is Y?
    X is Y, right?
    tell me if X is Y.
    do you think X is Y?
    does X count as Y?
    am i right to call X Y?
    can you tell me if X is Y?
    could you say whether X is Y?
    please tell me if X is Y.
  `),
  whatIsThing: lines(`
    what is X?
    what's X?
    what does the word X mean?
    what do you know of X?
    explain X.
    tell me what X is.
    do you know what X is?
    i wonder what X is.
    say in a sentence what X is.
    can you explain what X is?
    could you tell me what X is?
    please explain what X is.
  `),
  trueOrFalse: lines(`
    true or false: X
    is this true: X
    is it true that X
    X true or false?
    X is that true?
    X is that right?
    tell me if this is true: X
    can you tell me if this is right: X
    could you check this: X
    please say true or false: X
  `),
} as const;
