import { lines } from "./lines.ts";

/** What people tell and ask back, and what nobody here can answer. X and W stand for what is filled in. */
export const MEMORY_WORDINGS = {
  myName: lines(`
    my name is X.
    i am X.
    i am called X.
    call me X.
    hello, i am X.
    hi, my name is X.
    you can call me X.
    people call me X.
    X is my name.
    please call me X.
  `),
  whatIsMyName: lines(`
    what is my name?
    who am i?
    do you know my name?
    my name?
    what am i called?
    do you remember my name?
    tell me my name.
    how am i called?
    can you tell me my name?
    could you say my name?
    please say my name.
  `),
  /** K: "color", "animal"; X: the favorite. */
  myFavorite: lines(`
    my favorite K is X.
    X is my favorite K.
    i like X best. it is my favorite K.
    my favorite K: X.
    the K i like best is X.
    of all, X is my favorite K.
    remember: my favorite K is X.
    please remember that my favorite K is X.
  `),
  whatIsMyFavorite: lines(`
    what is my favorite K?
    which K do i like best?
    my favorite K?
    do you know my favorite K?
    what K do i like best?
    do you remember my favorite K?
    tell me my favorite K.
    could you tell me my favorite K?
    please tell me what my favorite K is.
  `),
  iHave: lines(`
    i have X.
    i own X.
    at home i have X.
    i got X today.
    i bought X.
    i have X at home.
    you know, i have X.
    i found X today.
  `),
  whatDoIHave: lines(`
    what do i have?
    what did i say i have?
    do you remember what i have?
    what was it that i have?
    tell me what i have.
    what is it that i have?
    can you tell me what i have?
    please tell me what i have.
  `),
  rememberNumber: lines(`
    remember the number X.
    the number is X.
    my number is X.
    keep the number X in mind.
    my lucky number is X.
    please remember the number X.
    note this number: X.
    the secret number is X.
  `),
  whatNumber: lines(`
    what was the number?
    what is the number?
    which number was it?
    tell me the number.
    the number?
    do you remember the number?
    what number did i tell you?
    could you tell me the number again?
    please say the number.
  `),
  remind: lines(`
    what did i just tell you?
    what did i tell you?
    what did i say?
    can you repeat what i said?
    tell me what i said.
    do you remember what i said?
    please repeat what i told you.
    what was it that i said?
  `),
  /** What a picture does not tell. X: "the dog". */
  unsureThing: lines(`
    what is the name of X?
    how old is X, do you think?
    how much money is X?
    who owns X?
    whose is X?
    how much does X weigh?
    what is X thinking?
    where was X made?
    who made X?
    what brand is X?
    when was X made?
    where does X come from?
    is X happy?
    what did X do yesterday?
    what will X do next?
    what happened to X?
    who gave X to me?
    what is X doing?
    is X big or small?
    is X asleep?
    how tall is X?
    what does X dream of?
    can you tell me the age of X?
    could you tell me who owns X?
    please tell me the price of X.
    is X old or new?
    how heavy is X?
  `),
  unsurePicture: lines(`
    who drew this?
    who drew it?
    who took this photo?
    who made this picture?
    when was this drawn?
    when was this picture taken?
    where was this picture taken?
    where was this photo taken?
    what happened before?
    what happens next?
    what will happen next?
    why did i draw this?
    how long did it take to draw this?
    what is behind the picture?
    how much is this picture?
    what time was it then?
    which pen was used?
    could you tell me who made this?
    please tell me who drew this.
    what was there before?
  `),
  unsureFar: lines(`
    what is the weather today?
    will it rain tomorrow?
    how is the weather?
    what time is it?
    what day is it today?
    what is the date?
    who is the president?
    who will win the election?
    who won the game yesterday?
    what is in the news?
    what is the meaning of life?
    how many people live in the world?
    how many stars are there in the sky?
    what is the best car?
    how do i get rich?
    who wrote this book?
    what is the price of gold?
    how do i fix my computer?
    what should i eat tonight?
    where did i put my keys?
    what am i thinking?
    how old am i?
    where do i live?
    what did i do yesterday?
    what will happen tomorrow?
    who is my mother?
    when was the war?
    how far is the moon?
    how deep is the sea?
    what is the speed of light?
    which party is the best?
    can you tell me the news of today?
    could you tell me the weather for tomorrow?
    please tell me what time it is.
    what is the largest city in the world?
    who invented the telephone?
    what is my phone number?
    which song is the best?
    how do planes stay in the air?
    why is the sky blue?
  `),
  divide: lines(`
    what is A divided by B?
    divide A by B.
    A / B = ?
    A / B
    how much is A divided by B?
    A by B?
    can you divide A by B?
    please divide A by B.
  `),
  unsureWord: lines(`
    W
    what does W mean?
    what is a W?
    what is W?
    who is W?
    tell me about W.
    do you know W?
    where is W?
    can you explain W?
    could you tell me what W means?
    please explain W.
  `),
} as const;
