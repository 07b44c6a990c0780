import { lines } from "./lines.ts";

/** Questions about words in a picture. W stands for a word in quotes or in plain letters. */
export const SIGN_WORDINGS = {
  read: lines(`
    what does the sign say?
    what does it say?
    what does this say?
    what does the picture say?
    what is written here?
    what is written on the sign?
    what is written there?
    what is written in the picture?
    what word is this?
    which word is this?
    what text is this?
    what is the text?
    what text do you see?
    read it.
    read the sign.
    read this.
    read the text.
    read the word.
    text?
    what stands there?
    what stands on the sign?
    what can you read?
    what do you read?
    what is the writing?
    tell me what the sign says.
    tell me what is written.
    what words are on the sign?
    i can not read this. what does it say?
    i wonder what the sign says.
    can you read this?
    can you read the sign for me?
    could you please read the sign?
    could you tell me what it says?
    could you read the text, please?
    please read it.
    please read the text in the image.
    please tell me what is written here.
    would you read that to me?
    do you know what the sign says?
    what message is on the sign?
  `),
  isText: lines(`
    is there any text?
    is there text?
    is there any text in the picture?
    is there a word in the image?
    are there any words?
    are there any letters?
    is there something to read?
    is something written here?
    is anything written in the picture?
    any text?
    do you see any text?
    do you see any words?
    does it say anything?
    can you see any writing?
    can you read anything?
    could you tell me if there is text?
    please tell me if there is any text.
    i wonder if there is something to read.
  `),
  /** W: `"STOP"` or "stop". */
  doesItSay: lines(`
    does it say W?
    does the sign say W?
    does this say W?
    is the word W?
    is W written there?
    is W written on the sign?
    do you read W?
    it says W, right?
    is this the word W?
    is that W?
    does the text say W?
    i read W. is that right?
    tell me if it says W.
    would you say it says W?
    can you tell me if it says W?
    could you check if the sign says W?
    please tell me if it says W.
  `),
  countLetters: lines(`
    how many letters are there?
    how many letters does the word have?
    how many letters do you see?
    how many letters?
    how many letters has the word?
    how many letters are in the word?
    count the letters.
    number of letters?
    what is the number of letters?
    how many letters does it have?
    how many letters are on the sign?
    tell me how many letters the word has.
    how long is the word?
    can you count the letters?
    could you tell me how many letters there are?
    please count the letters.
  `),
  countWords: lines(`
    how many words are there?
    how many words does the sign have?
    how many words do you see?
    how many words?
    how many words are on the sign?
    how many words are written here?
    count the words.
    number of words?
    what is the number of words?
    tell me how many words there are.
    is it one word or two?
    how many words can you read?
    how many words does it say?
    can you count the words?
    could you tell me how many words you see?
    please count the words.
  `),
  spellIt: lines(`
    spell it.
    spell the word.
    how is it spelled?
    how do you spell it?
    what are the letters?
    what letters are these?
    which letters do you see?
    read it letter by letter.
    tell me every letter.
    name the letters.
    the letters one by one?
    how is the word on the sign spelled?
    can you spell the word?
    could you spell it for me?
    please spell it.
    please read the letters one by one.
  `),
  firstLetter: lines(`
    what is the first letter?
    first letter?
    which letter is first?
    which letter comes first?
    with what letter does it begin?
    with which letter does the word start?
    what letter does it start with?
    tell me the first letter.
    name the first letter.
    the first letter is?
    the word begins with what letter?
    what is the first letter of the word?
    can you tell me the first letter?
    could you name the first letter?
    please tell me the first letter.
    i need the first letter.
  `),
  lastLetter: lines(`
    what is the last letter?
    last letter?
    which letter is last?
    which letter comes last?
    with what letter does it end?
    with which letter does the word end?
    what letter does it end with?
    tell me the last letter.
    name the last letter.
    the last letter is?
    the word ends with what letter?
    what is the last letter of the word?
    can you tell me the last letter?
    could you name the last letter?
    please tell me the last letter.
    i need the last letter.
  `),
  signColor: lines(`
    what color is the sign?
    what is the color of the sign?
    which color is the sign?
    color of the sign?
    what color does the sign have?
    tell me the color of the sign.
    name the color of the sign.
    how is the sign colored?
    what's the sign's color?
    in what color is the sign?
    the sign is of what color?
    i wonder what color the sign is.
    can you see the color of the sign?
    could you tell me what color the sign is?
    please tell me the sign's color.
    would you name the color of the sign?
  `),
  /** One of two words: O "first" or "second". */
  wordAt: lines(`
    what is the O word?
    O word?
    which word is O?
    which word comes O?
    read the O word.
    tell me the O word.
    what does the O word say?
    name the O word on the sign.
    the O word is?
    i need the O word.
    what is the O word on the sign?
    can you read the O word?
    could you read me the O word?
    please read the O word.
    please tell me the O word.
    what word stands O?
  `),
} as const;
